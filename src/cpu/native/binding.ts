/** The native addon: found beside the package, loaded once, or not there. */
import { createRequire } from 'node:module';
import type { Stop } from '../engine.ts';

/** A hart in C++. */
export interface NativeHartHandle {
  run(budget: number): Stop;
  completeMmio(lo: number, hi: number): void;
  /** Time that host mode has until the next call, in nanoseconds; 0: the host's. */
  setNow(ns: number): void;
  refuseMmio(): void;
  invalidate(): void;
  close(): void;
}

/** What native/binding/addon.cc exports. */
export interface NativeBinding {
  readonly Hart: new (memory: Uint8Array, id: number, translate: boolean, hotThreshold: number) => NativeHartHandle;
  /** Whether the host has the second tier, the translator. */
  readonly translates: boolean;
}

/** Where node-gyp puts it, from src/cpu/native and from dist/cpu/native alike. */
const ADDON = '../../../build/Release/hart.node';

let loaded: { readonly binding: NativeBinding } | { readonly reason: string } | undefined;

/** The addon, or why there is none, for people. */
export function nativeBinding(): { readonly binding: NativeBinding } | { readonly reason: string } {
  loaded ??= load();
  return loaded;
}

function load(): { readonly binding: NativeBinding } | { readonly reason: string } {
  try {
    return { binding: createRequire(import.meta.url)(ADDON) as NativeBinding };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'MODULE_NOT_FOUND') return { reason: 'not built: run `npm install` with a C++20 compiler installed' };
    const text = error instanceof Error ? error.message : String(error);
    return { reason: `its addon does not load: ${text.split('\n')[0]}` };
  }
}
