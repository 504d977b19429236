import { link, mkdtemp, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FLASH_BANK_BYTES, FLASH_BANKS, type FlashBankConfig, FlashFile, type FlashStore } from '../machine/index.ts';
import { VirtError } from '../util/index.ts';
import { readImage } from './image-file.ts';

/** A bank of flash, in a file. */
export interface FlashOptions {
  /** 32 MiB; a read-only one may be shorter. What the guest changes is kept in it, through a journal beside it. */
  readonly file: string;
  /** The guest cannot change it; default false. */
  readonly readonly?: boolean;
  /** What the file is made from if it is not there. */
  readonly template?: string;
}

/** A bank that has been opened. */
export interface OpenFlash {
  readonly config: FlashBankConfig;
  /** Where it is kept, if the guest can change it. */
  readonly store: FlashStore | undefined;
}

/** Checks what can be checked before anything is opened. Throws INVALID_ARG. */
export function checkFlash(banks: readonly FlashOptions[]): void {
  if (banks.length > FLASH_BANKS) {
    throw new VirtError('INVALID_ARG', `${banks.length} banks of flash: the board has ${FLASH_BANKS}`);
  }
}

/** Opens a bank's file. Throws INVALID_ARG, naming it and what is wrong with it. */
export async function openFlash({ file, readonly = false, template }: FlashOptions): Promise<OpenFlash> {
  if (template !== undefined) await makeFrom(template, file);
  if (readonly) return { config: { image: await readImage('flash', file), readOnly: true }, store: undefined };
  const { store, contents } = await FlashFile.open(file, FLASH_BANK_BYTES);
  return { config: { image: { name: file, bytes: contents }, readOnly: false }, store };
}

/** Makes `file`, whole or not at all, unless it is there. */
async function makeFrom(template: string, file: string): Promise<void> {
  const image = await readImage('flash template', template);
  let directory: string | undefined;
  try {
    directory = await mkdtemp(join(dirname(file), '.flash-'));
    const made = join(directory, 'image');
    const handle = await open(made, 'wx', 0o600);
    try {
      await handle.writeFile(image.bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Not a rename: it would replace a file that somebody else has made meanwhile.
    await link(made, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new VirtError('INVALID_ARG', `flash '${file}': ${(cause as Error).message}`, { cause, data: { path: file } });
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
