import { type CommandDef, text } from '../definition.ts';
import { attempt } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { document, type Output } from '../output.ts';
import type { Session } from '../session.ts';
import { element } from '../xml.ts';

const typeOption = (help: string) => text('type', help, { required: true });

async function find(type: string, spec: string | undefined, session: Session): Promise<Output> {
  const found = (await session.connection()).findStoragePoolSources(type, spec);
  return document(await attempt(`Failed to find any ${type} pool sources`, found));
}

const findAsCommand: CommandDef = {
  name: 'find-storage-pool-sources-as',
  summary: 'find potential storage pool sources',
  options: [
    typeOption('type of storage pool sources to find'),
    text('host', 'optional host to query'),
    text('port', 'optional port to query'),
    text('initiator', 'optional initiator IQN to use for query'),
  ],
  async run(args, session) {
    const [name, port, iqn] = [args.text('host'), args.text('port'), args.text('initiator')];
    const spec = element('source', {}, [
      name === undefined ? undefined : element('host', { name, port }),
      iqn === undefined ? undefined : element('initiator', {}, [element('iqn', { name: iqn })]),
    ]);
    return find(args.need('type'), name === undefined ? undefined : spec, session);
  },
};

const findCommand: CommandDef = {
  name: 'find-storage-pool-sources',
  summary: 'discover potential storage pool sources',
  options: [
    typeOption('type of storage pool sources to discover'),
    text('srcSpec', 'optional file of source xml to query for pools', { complete: 'file' }),
  ],
  async run(args, session) {
    const file = args.text('srcSpec');
    return find(args.need('type'), file === undefined ? undefined : await readTextFile(file), session);
  },
};

/** Commands that look for what pools can be made of. */
export const poolSourceCommands: readonly CommandDef[] = [findCommand, findAsCommand];
