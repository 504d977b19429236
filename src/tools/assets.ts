import { fileURLToPath } from 'node:url';

/**
 * Path of a file that is not code, named from `src`: the same one whether this module runs from `src` or, compiled,
 * from `dist`, since the package ships `src` too.
 */
export function assetPath(name: string): string {
  return fileURLToPath(new URL(`../../src/${name}`, import.meta.url));
}
