import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExitStatus, GuestStats, MachineHandle } from '../../../drivers/index.ts';
import { VirtError } from '../../../util/index.ts';

/** Writes a result file. @throws VirtError naming it and the reason */
export async function writeResult(what: string, file: string, contents: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, contents);
  } catch (cause) {
    throw new VirtError('SYSTEM_ERROR', `${what} ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Why a file cannot be written, as far as that can be told without touching it; undefined: nothing is known against it. */
async function obstacle(file: string): Promise<string | undefined> {
  const directory = dirname(file);
  const parent = await stat(directory).catch(() => undefined);
  if (parent === undefined) return `the directory ${directory} does not exist`;
  if (!parent.isDirectory()) return `${directory} is no directory`;
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory()) return 'it is a directory';
  const writable = await access(there === undefined ? directory : file, constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable ? undefined : 'it cannot be written to';
}

/** Looks whether a result can be written, before it takes hours to come by. @throws VirtError INVALID_ARG */
export async function checkResult(what: string, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const reason = await obstacle(file);
  if (reason !== undefined)
    throw new VirtError('INVALID_ARG', `${what} '${file}': ${reason}`, { data: { path: file } });
}

/** The contents of `--stats`: times in seconds, counts as numbers. */
export function statsJson(stats: GuestStats, status: ExitStatus, exitCode: number): string {
  const vcpus = stats.vcpus.map(({ id, instructions, cpuSeconds, cpuSource, exits }) => ({
    id,
    instructions: Number(instructions),
    cpuSeconds,
    cpuSource,
    exits: Object.fromEntries(Object.entries(exits).map(([kind, count]) => [kind, Number(count)])),
  }));
  const sum = (of: (vcpu: (typeof vcpus)[number]) => number) => vcpus.reduce((total, vcpu) => total + of(vcpu), 0);
  const report = {
    backend: stats.backend,
    exit: { reason: status.reason, detail: status.detail, code: exitCode },
    wallSeconds: stats.wallSeconds,
    cpuSeconds: sum((v) => v.cpuSeconds),
    instructions: sum((v) => v.instructions),
    guestSeconds: Number(stats.mtime) / stats.timebaseHz,
    vcpus,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** What the command line asked to have written once the guest has ended. */
export async function writeReports(
  machine: MachineHandle,
  files: { readonly stats?: string; readonly signature?: string },
  status: ExitStatus,
  exitCode: number,
): Promise<void> {
  if (files.stats !== undefined)
    await writeResult('statistics', files.stats, statsJson(machine.stats(), status, exitCode));
  if (files.signature !== undefined) await writeResult('signature', files.signature, machine.signature());
}
