import type { CommandDef } from './command.ts';

/** The commands of machine-commands.ts by their first word. */
const loaders: Readonly<Record<string, () => Promise<readonly CommandDef[]>>> = {
  run: async () => [(await import('./commands/run.ts')).runCommand],
  image: async () => {
    const [pull, tool] = await Promise.all([import('./commands/image-pull.ts'), import('../image-tool/commands.ts')]);
    return [pull.imagePullCommand, ...tool.imageToolCommands];
  },
  doctor: async () => [(await import('./commands/doctor.ts')).doctorCommand],
  daemon: async () => [(await import('../daemon/command.ts')).daemonCommand],
};

/**
 * The commands without a connection that begin with this word, and only their modules: a machine starts sooner without
 * the others, and a daemon carries nothing around that it does not need. Undefined: there are none.
 */
export async function commandsOf(word: string | undefined): Promise<readonly CommandDef[] | undefined> {
  return word !== undefined && Object.hasOwn(loaders, word) ? loaders[word]?.() : undefined;
}
