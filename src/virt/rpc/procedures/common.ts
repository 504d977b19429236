/** What rows of several subjects share. */
import type { Backend } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import { bits } from '../xdr-types.ts';

/** VIR_TYPED_PARAM_STRING_OKAY: the caller takes parameters that are text. All do. */
export const STRING_PARAMS = 4;

/** Flags without the one that speaks of the wire only. */
export function withoutStringParams(flags: number): number {
  return flags & ~STRING_PARAMS;
}

/** Says of a list call whether its answer is to have the objects, or only their number. */
export const need = bits;

/** A list as it was asked for: its objects and how many they are, or the number alone. */
export function listing<T>(needed: number, objects: readonly T[]): { objects: readonly T[]; ret: number } {
  return { objects: needed === 0 ? [] : objects, ret: objects.length };
}

/** A list of which the caller first asks the number, with room for none, and then has room for `nparams`. */
export function counted<T>(nparams: number, params: readonly T[]): { params: readonly T[]; nparams: number } {
  if (nparams === 0) return { params: [], nparams: params.length };
  const some = params.slice(0, Math.max(0, nparams));
  return { params: some, nparams: some.length };
}

/** The client's side of `counted`: asks for the number, then for so many. */
export async function ask<T>(send: (nparams: number) => Promise<{ params: T[]; nparams: number }>): Promise<T[]> {
  const { nparams } = await send(0);
  return nparams === 0 ? [] : (await send(nparams)).params;
}

/** As many names as the caller has room for. */
export function firstNames(refs: readonly { readonly name: string }[], max: number): string[] {
  return refs.slice(0, Math.max(0, max)).map(({ name }) => name);
}

/** Refuses flags of a method that has none. */
export function refuseFlags(flags: number, method: string): void {
  if (flags !== 0) throw virtError('INVALID_ARG', `unsupported flags (0x${flags.toString(16)}) in function ${method}`);
}

/** Bytes of a map of the host's CPUs. */
export async function bytesOfCpuMap(backend: Backend): Promise<number> {
  const { cpus } = await backend.nodeGetCpuMap(0).catch(() => backend.nodeGetInfo());
  return Math.ceil(cpus / 8);
}
