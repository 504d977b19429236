import type { CommandDef } from './command.ts';

async function imageCommands(word: string | undefined): Promise<readonly CommandDef[]> {
  const tools = async () => (await import('../image-tool/commands.ts')).imageToolCommands;
  const pull = async () => [(await import('./commands/image-pull.ts')).imagePullCommand];
  if (word === 'pull') return pull();
  const commands = await tools();
  const one = commands.find(({ path }) => path[1] === word);
  return one === undefined ? [...(await pull()), ...commands] : [one];
}

/** The commands of machine-commands.ts by their first word; some want the second one too. */
const loaders: Readonly<Record<string, (second?: string) => Promise<readonly CommandDef[]>>> = {
  run: async () => [(await import('./commands/run.ts')).runCommand],
  image: imageCommands,
  doctor: async () => [(await import('./commands/doctor.ts')).doctorCommand],
  daemon: async () => [(await import('../daemon/command.ts')).daemonCommand],
};

/**
 * The commands without a connection that begin with these words, and only their modules: a machine starts sooner without
 * the others, and a daemon carries nothing around that it does not need. When the second word tells no command from the
 * others, all that begin with the first; undefined: there are none.
 */
export async function commandsOf(
  word: string | undefined,
  second?: string | undefined,
): Promise<readonly CommandDef[] | undefined> {
  return word !== undefined && Object.hasOwn(loaders, word) ? loaders[word]?.(second) : undefined;
}
