import { readFile } from 'node:fs/promises';
import { VirtError } from '../../../../util/index.ts';
import type { Connection, SecretRef } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { askSecret } from '../ask-secret.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { isUuid, normalUuid } from '../lookup.ts';
import { message, type Output } from '../output.ts';
import type { Session } from '../session.ts';
import { description, xpathOptions } from '../xpath.ts';

const secretOption = text('secret', 'secret UUID', { required: true });

/** The secret that a UUID means. */
export async function secretCalled(connection: Connection, called: string): Promise<SecretRef> {
  const failed = `failed to get secret '${called}'`;
  if (!isUuid(called)) {
    throw new CommandFailure(
      failed,
      new VirtError('INVALID_ARG', 'uuidstr in virSecretLookupByUUIDString must be a valid UUID'),
    );
  }
  return attempt(failed, connection.secretLookupByUUID(normalUuid(called)));
}

const dumpxmlCommand: CommandDef = {
  name: 'secret-dumpxml',
  summary: 'secret attributes in XML',
  options: [secretOption, ...xpathOptions],
  async run(args, session) {
    const connection = await session.connection();
    const secret = await secretCalled(connection, args.need('secret'));
    return description(await connection.secretGetXMLDesc(secret), args);
  },
};

async function fileBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CommandFailure(`Failed to open file '${file}': ${reasonOf(error)}`);
  }
}

function decoded(base64: string): Buffer {
  if (!/^[\sA-Za-z0-9+/]*={0,2}\s*$/.test(base64)) throw new UsageFailure('Failed to decode secret as base64');
  return Buffer.from(base64, 'base64');
}

/** The value that the options give, or the user types. */
async function givenValue(args: CommandArgs, session: Session): Promise<Buffer> {
  const [file, base64] = [args.text('file'), args.text('base64')];
  if (base64 !== undefined) {
    session.showError('Passing secret value as command-line argument is insecure!');
    return decoded(base64);
  }
  if (file !== undefined) {
    const bytes = await fileBytes(file);
    return args.flag('plain') ? bytes : decoded(bytes.toString('latin1'));
  }
  if (args.flag('interactive')) return Buffer.from(await askSecret('Enter new value for secret:', session));
  throw new UsageFailure('Input secret value is missing');
}

const setValueCommand: CommandDef = {
  name: 'secret-set-value',
  summary: 'set a secret value',
  options: [
    secretOption,
    text('file', 'read secret from file', { named: true, complete: 'file' }),
    flag('plain', 'read the secret from file without converting from base64'),
    flag('interactive', 'read the secret from the terminal'),
    text('base64', 'base64-encoded secret value'),
  ],
  async run(args, session) {
    args.exclusive('file', 'base64');
    args.exclusive('plain', 'base64');
    args.exclusive('interactive', 'base64');
    args.exclusive('interactive', 'plain');
    args.exclusive('interactive', 'file');
    args.requires('plain', 'file');
    const connection = await session.connection();
    const secret = await secretCalled(connection, args.need('secret'));
    await attempt('Failed to set secret value', connection.secretSetValue(secret, await givenValue(args, session)));
    return message('Secret value set', { uuid: secret.uuid });
  },
};

const getValueCommand: CommandDef = {
  name: 'secret-get-value',
  summary: 'output a secret value',
  options: [secretOption, flag('plain', 'get value without converting to base64')],
  async run(args, session): Promise<Output | number> {
    const connection = await session.connection();
    const secret = await secretCalled(connection, args.need('secret'));
    const value = Buffer.from(await connection.secretGetValue(secret));
    const base64 = value.toString('base64');
    if (!args.flag('plain')) return { text: base64, json: { base64 } };
    if (session.format === 'json') return { text: '', json: { base64 } };
    session.context.stdout.write(value);
    return 0;
  },
};

const undefineCommand: CommandDef = {
  name: 'secret-undefine',
  summary: 'undefine a secret',
  options: [secretOption],
  async run(args, session) {
    const called = args.need('secret');
    const connection = await session.connection();
    const secret = await secretCalled(connection, called);
    await attempt(`Failed to delete secret ${called}`, connection.secretUndefine(secret));
    return message(`Secret ${called} deleted`, { uuid: secret.uuid });
  },
};

/** Commands about what secrets hold. */
export const secretValueCommands: readonly CommandDef[] = [
  dumpxmlCommand,
  getValueCommand,
  setValueCommand,
  undefineCommand,
];
