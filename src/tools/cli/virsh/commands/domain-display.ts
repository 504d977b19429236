import type { Domain } from '../../../../virt/index.ts';
import { DomainXml } from '../../../../virt/index.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { CommandFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { lines, single } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { attributeOf, childOf } from '../xml.ts';
import { devicesOf } from './disks.ts';

/** A screen of a domain that can be connected to. */
interface Display {
  readonly type: string;
  readonly uri: string;
}

const FIRST_VNC_PORT = 5900;
const TYPES = ['vnc', 'spice', 'rdp'];

/** Screens that listen somewhere, with their passwords if they are to be in the URI. */
function displaysOf(xml: string, withPassword: boolean): Display[] {
  return devicesOf(xml, 'graphics').flatMap((graphics) => {
    const type = attributeOf(graphics, 'type') ?? '';
    const [port, tls] = ['port', 'tlsPort'].map((name) => Number(attributeOf(graphics, name) ?? -1));
    const socket = attributeOf(graphics, 'socket') ?? attributeOf(childOf(graphics, 'listen'), 'socket');
    const password = withPassword ? attributeOf(graphics, 'passwd') : undefined;
    if (socket !== undefined) return [{ type, uri: `${type}+unix://${socket}` }];
    if (!TYPES.includes(type) || ((port ?? -1) <= 0 && (tls ?? -1) <= 0)) return [];
    const listen = attributeOf(graphics, 'listen') ?? attributeOf(childOf(graphics, 'listen'), 'address');
    const any = listen === undefined || listen === '0.0.0.0' || listen === '::';
    const host = any ? 'localhost' : listen.includes(':') ? `[${listen}]` : listen;
    const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const at = (port ?? -1) > 0 ? `:${type === 'vnc' ? port! - FIRST_VNC_PORT : port}` : '';
    const secure = type === 'spice' && (tls ?? -1) > 0 ? `?tls-port=${tls}` : '';
    return [{ type, uri: `${type}://${user}${host}${at}${secure}` }];
  });
}

async function runningXml(domain: Domain, flags = 0): Promise<string> {
  if (!(await domain.isActive())) throw new CommandFailure('Domain is not running');
  return domain.getXMLDesc(flags);
}

const domdisplayCommand: CommandDef = {
  name: 'domdisplay',
  summary: 'domain display connection URI',
  options: [
    domainOption('active-domain'),
    flag('include-password', 'includes the password into the connection URI if available'),
    text('type', 'select particular graphical display (e.g. vnc, spice, rdp)', { complete: TYPES }),
    flag('all', 'show all possible graphical displays'),
  ],
  async run(args, session) {
    const type = args.text('type');
    const domain = await findDomain(args, session);
    const secure = args.flag('include-password');
    const xml = await runningXml(domain, secure ? DomainXml.SECURE : 0);
    const found = displaysOf(xml, secure).filter((display) => type === undefined || display.type === type);
    const [first] = found;
    if (first === undefined) {
      throw new CommandFailure(
        type === undefined ? 'No graphical display found' : `No graphical display with type '${type}' found`,
      );
    }
    if (!args.flag('all')) return { text: first.uri, json: [first.uri] };
    return lines(found.map(({ uri }) => uri));
  },
};

const vncdisplayCommand: CommandDef = {
  name: 'vncdisplay',
  summary: 'vnc display',
  options: [domainOption('active-domain')],
  async run(args, session) {
    const xml = await runningXml(await findDomain(args, session));
    const vnc = devicesOf(xml, 'graphics').find((graphics) => attributeOf(graphics, 'type') === 'vnc');
    const port = Number(attributeOf(vnc, 'port') ?? -1);
    if (port < 0) throw new CommandFailure('Failed to get VNC port. Is this domain using VNC?');
    const listen = attributeOf(vnc, 'listen') ?? '';
    return single('display', `${listen === '0.0.0.0' ? '' : listen}:${port - FIRST_VNC_PORT}`);
  },
};

/** Commands that tell where a domain's screen is. */
export const displayCommands: readonly CommandDef[] = [domdisplayCommand, vncdisplayCommand];
