import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Path of the program that is a machine's process. In the package it is a bundle, made when that was built, since one
 * file starts in half the time that a hundred take; without the bundle it is the module. A checkout bundles it now.
 */
export async function domainProgram(): Promise<string> {
  if (import.meta.url.endsWith('.ts')) {
    const source: { bundleDomainProgram(): Promise<string> } = await import(
      new URL('./program-bundle.mjs', import.meta.url).href
    );
    return source.bundleDomainProgram();
  }
  const bundle = fileURLToPath(new URL('../domain-program/main.js', import.meta.url));
  return existsSync(bundle) ? bundle : fileURLToPath(new URL('./domain-main.js', import.meta.url));
}
