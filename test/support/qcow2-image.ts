import { createQcow2, type Qcow2CreateOptions } from '../../src/machine/backend/qcow2/create.ts';
import { Qcow2Image, type Qcow2Options } from '../../src/machine/backend/qcow2/image.ts';
import { checkQcow2 } from '../../src/machine/backend/qcow2/repair.ts';
import { MemFile } from './crash-disk.ts';

/** A new image in memory. */
export async function memImage(options: Qcow2CreateOptions): Promise<MemFile> {
  const file = new MemFile();
  await createQcow2(file, options);
  return file;
}

/** A new image in memory, open. */
export async function openNew(
  options: Qcow2CreateOptions,
  more: Qcow2Options = {},
): Promise<{ file: MemFile; disk: Qcow2Image }> {
  const file = await memImage(options);
  return { file, disk: await Qcow2Image.open(file, more) };
}

/** What a check finds, in brief. */
export async function faults(file: MemFile): Promise<{ corruptions: number; leaks: number; messages: string[] }> {
  const { corruptions, leaks, messages } = await checkQcow2(file);
  return { corruptions, leaks, messages };
}

/** What a check finds in an image that is in order. */
export const inOrder = { corruptions: 0, leaks: 0, messages: [] };
