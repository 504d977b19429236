/** The native addon: found beside the package, loaded once, or not there. */
import { createRequire } from 'node:module';
import type { Stop } from '../engine.ts';
import type { TapCalls } from './tap-calls.ts';

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

/** System calls on files that Node has none of: native/binding/file_holes.h. */
export interface FileHoles {
  /** Where from `offset` on a file has data: −1 nowhere, −2 the host does not tell. */
  seekData(fd: number, offset: number): number;
  /** The same for where it has none: at its end at the latest. */
  seekHole(fd: number, offset: number): number;
  /** Gives the place of a range back, which reads as zeroes then. Resolves to 0, or why it cannot, an errno. */
  punchHole(fd: number, offset: number, bytes: number): Promise<number>;
}

/** Locks on single bytes of files, of how a file was opened: native/binding/file_locks.h. */
export interface FileLocks {
  /** Takes a shared lock on the byte at `offset` until the file is closed. 0, or why it cannot, an errno. */
  lockByte(fd: number, offset: number): number;
  /** Whether others have a lock on that byte: 1 yes, 0 no, or why it cannot be told, a negative errno. */
  byteTaken(fd: number, offset: number): number;
}

/** Reading with a look for zeroes: native/binding/file_blocks.h. */
export interface FileBlocks {
  /**
   * Fills `into` from byte `offset` and puts the lengths of zeroes and of what is none, by turns, zeroes first, into
   * `runs`. Resolves to how many lengths there are, or why it cannot, a negative errno: ENODATA if the file ends before.
   */
  readBlocks(fd: number, offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number>;
}

/** What native/binding/addon.cc exports. */
export interface NativeBinding extends FileBlocks, FileHoles, FileLocks, TapCalls {
  readonly Hart: new (memory: Uint8Array, id: number, translate: boolean, hotThreshold: number) => NativeHartHandle;
  /** Whether the host has the second tier, the translator. */
  readonly translates: boolean;
}

/** Where node-gyp puts it, from src/cpu/native and from dist/cpu/native alike. */
const ADDON = '../../../build/Release/hart.node';

let loaded: { readonly binding: NativeBinding } | { readonly reason: string } | undefined;

/** What the addon can do with files; undefined without one. */
export function fileHoles(): FileHoles | undefined {
  const found = nativeBinding();
  // One that was built before it could.
  return 'binding' in found && typeof found.binding.punchHole === 'function' ? found.binding : undefined;
}

/** What the addon can do to lock files; undefined without one. Other systems than Linux refuse every call. */
export function fileLocks(): FileLocks | undefined {
  const found = nativeBinding();
  return 'binding' in found && typeof found.binding.lockByte === 'function' ? found.binding : undefined;
}

/** What the addon can do to read files; undefined without one. */
export function fileBlocks(): FileBlocks | undefined {
  const found = nativeBinding();
  return 'binding' in found && typeof found.binding.readBlocks === 'function' ? found.binding : undefined;
}

/** What the addon can do with tap devices, or why it cannot, for people. */
export function tapCalls(): { readonly calls: TapCalls } | { readonly reason: string } {
  const found = nativeBinding();
  if (!('binding' in found)) return found;
  if (typeof found.binding.tapAttach === 'function') return { calls: found.binding };
  return { reason: 'it has no tap devices, which are of Linux; on Linux build it anew with `npm install`' };
}

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
