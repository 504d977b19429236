import type { CommandDef } from '../cli/command.ts';
import { imageCheckCommand } from './check.ts';
import { imageCommitCommand } from './commit.ts';
import { imageCompareCommand } from './compare.ts';
import { imageConvertCommand } from './convert.ts';
import { imageCreateCommand } from './create.ts';
import { imageInfoCommand } from './info.ts';
import { imageRebaseCommand } from './rebase.ts';
import { imageResizeCommand } from './resize.ts';
import { imageSnapshotCommand } from './snapshot.ts';

/** `nodevisor image`: what qemu-img does, with its options. */
export const imageToolCommands: readonly CommandDef[] = [
  imageCreateCommand,
  imageInfoCommand,
  imageConvertCommand,
  imageCheckCommand,
  imageResizeCommand,
  imageSnapshotCommand,
  imageCommitCommand,
  imageRebaseCommand,
  imageCompareCommand,
];
