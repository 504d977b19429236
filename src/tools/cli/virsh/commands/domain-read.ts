import { VirtError } from '../../../../util/index.ts';
import { DomainDefine, DomainXml } from '../../../../virt/index.ts';
import { attachConsole } from '../console.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { editDefinition } from '../editor.ts';
import { CommandFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { single } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { attributeOf, childOf, parseXml } from '../xml.ts';
import { description, xpathOptions } from '../xpath.ts';

const dumpxmlCommand: CommandDef = {
  name: 'dumpxml',
  summary: 'domain information in XML',
  options: [
    domainOption(),
    flag('inactive', 'show inactive defined XML'),
    flag('security-info', 'include security sensitive information in XML dump'),
    flag('update-cpu', 'update guest CPU according to host CPU'),
    flag('migratable', 'provide XML suitable for migrations'),
    ...xpathOptions,
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const flags =
      (args.flag('inactive') ? DomainXml.INACTIVE : 0) |
      (args.flag('security-info') ? DomainXml.SECURE : 0) |
      (args.flag('update-cpu') ? DomainXml.UPDATE_CPU : 0) |
      (args.flag('migratable') ? DomainXml.MIGRATABLE : 0);
    return description(await domain.getXMLDesc(flags), args);
  },
};

const editCommand: CommandDef = {
  name: 'edit',
  summary: 'edit XML configuration for a domain',
  description: 'With the editor in $VISUAL or $EDITOR. What is wrong is said, and may be edited again.',
  options: [domainOption(), flag('skip-validate', 'skip validation of the XML against the schema')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const connection = await session.connection();
    return editDefinition(
      {
        title: `Domain '${domain.name}'`,
        read: () => domain.getXMLDesc(DomainXml.INACTIVE | DomainXml.SECURE),
        async write(xml, skip) {
          if (skip) return connection.defineXML(xml);
          try {
            return await connection.defineXML(xml, DomainDefine.VALIDATE);
          } catch (error) {
            const isMissing = error instanceof VirtError && /cannot validate the XML/.test(error.message);
            if (!isMissing) throw error;
            // Nobody has asked for the check by name, so its lack is told and holds nobody up.
            session.note(`warning: ${error.message}`);
            return connection.defineXML(xml);
          }
        },
        canSkip: true,
      },
      session,
      args.flag('skip-validate'),
    );
  },
};

const consoleCommand: CommandDef = {
  name: 'console',
  summary: 'connect to the guest console',
  description: 'On a terminal only. Ctrl-] leaves.',
  options: [
    domainOption('active-domain'),
    text('devname', 'character device name'),
    flag('force', 'force console connection (disconnect already connected sessions)'),
    flag('safe', 'only connect if safe console handling is supported'),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    if (!(await domain.isActive())) throw new CommandFailure('The domain is not running');
    if (session.context.stdin.isTTY !== true) {
      throw new CommandFailure('Cannot run interactive console without a controlling TTY');
    }
    const flags = (args.flag('force') ? 1 : 0) | (args.flag('safe') ? 2 : 0);
    await attachConsole(domain, session, args.text('devname'), flags);
    return undefined;
  },
};

const ttyCommand: CommandDef = {
  name: 'ttyconsole',
  summary: 'tty console',
  description: "The host's device for the domain's first console.",
  options: [domainOption('active-domain')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const console = childOf(parseXml(await domain.getXMLDesc()), 'devices', 'console');
    const tty = attributeOf(console, 'tty') ?? attributeOf(childOf(console, 'source'), 'path');
    if (tty === undefined) throw new CommandFailure(`domain '${domain.name}' has no console with a tty`);
    return single('tty', tty);
  },
};

const idCommand: CommandDef = {
  name: 'domid',
  summary: 'convert a domain name or UUID to domain id',
  options: [domainOption('active-domain', 'domain name or uuid')],
  async run(args, session) {
    const domain = await findDomain(args, session, ['uuid', 'name']);
    const id = await domain.getID();
    return single('id', id < 0 ? null : id);
  },
};

const uuidCommand: CommandDef = {
  name: 'domuuid',
  summary: 'convert a domain name or id to domain UUID',
  options: [domainOption('domain', 'domain id or name')],
  async run(args, session) {
    return single('uuid', (await findDomain(args, session, ['id', 'name'])).uuid);
  },
};

const nameCommand: CommandDef = {
  name: 'domname',
  summary: 'convert a domain id or UUID to domain name',
  options: [domainOption('domain', 'domain id or uuid')],
  async run(args, session) {
    return single('name', (await findDomain(args, session, ['id', 'uuid'])).name);
  },
};

/** Commands that read and edit a domain's description, and its console. */
export const descriptionCommands: readonly CommandDef[] = [
  dumpxmlCommand,
  editCommand,
  consoleCommand,
  ttyCommand,
  idCommand,
  uuidCommand,
  nameCommand,
];
