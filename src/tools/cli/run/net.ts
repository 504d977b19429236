import type { ForwardOptions, NetOptions } from '../../../drivers/index.ts';
import { usageError } from '../command.ts';
import type { NamedNet } from './network.ts';

/** What `--net` can be, for its help. */
export const netHelp =
  'network interface: user[,hostfwd=tcp:127.0.0.1:2222-:22]…[,restrict][,allow=ADDRESS[/BITS][:PORT]]…[,host-loopback=on]' +
  '[,net=10.0.2.0/24][,dhcpstart=…][,hostname=…][,domain=…][,tftp=DIR][,bootfile=…][,ipv6=off], ' +
  'network=NAME (of your daemon, see net-list), ' +
  'stream=unix:PATH|HOST:PORT[,server], dgram=HOST:PORT,remote=HOST:PORT, passt, tap[=NAME] (of the host), ' +
  'bridge=NAME[,tap=NAME] (of the host), none; may be repeated';

interface Setting {
  readonly name: string;
  readonly value: string | undefined;
}

/** Reads one `--net`. @throws VirtError for what is unknown or malformed */
export function parseNet(text: string): NetOptions | NamedNet {
  const [first, ...rest] = text.split(',').map((part): Setting => {
    const at = part.indexOf('=');
    return at < 0 ? { name: part, value: undefined } : { name: part.slice(0, at), value: part.slice(at + 1) };
  });
  const bad = (why: string) => usageError(`--net ${text}: ${why}`);
  const kind = first?.name ?? '';
  if (kind === 'user' && first?.value === undefined) return parseUser(rest, bad);
  if (kind === 'stream' && first?.value !== undefined) return parseStream(first.value, rest, bad);
  if (kind === 'dgram' && first?.value !== undefined) return parseDgram(first.value, rest, bad);
  if (kind === 'tap' && first?.value !== '') return parseTap(first?.value, rest, bad);
  if (kind === 'bridge' && first?.value) return parseBridge(first.value, rest, bad);
  if (kind === 'network' && first?.value && rest.length === 0) return { type: 'network', name: first.value };
  if ((kind === 'none' || kind === 'passt') && first?.value === undefined) {
    if (rest.length > 0) throw bad(`'${rest[0]?.name}' does not go with ${kind}`);
    return { type: kind };
  }
  throw bad('it is none of user, network=NAME, stream=ADDRESS, dgram=ADDRESS, passt, tap, bridge=NAME, none');
}

type Bad = (why: string) => Error;

function parseUser(settings: readonly Setting[], bad: Bad): NetOptions {
  const forwards: ForwardOptions[] = [];
  const allow: string[] = [];
  const texts: { [name in (typeof textSettings)[keyof typeof textSettings]]?: string } = {};
  let restricted = false;
  let hostLoopback = false;
  let ipv6 = true;
  for (const { name, value } of settings) {
    if (name === 'hostfwd' && value !== undefined) forwards.push(parseForward(value, bad));
    else if (name === 'allow' && value !== undefined) allow.push(value);
    else if (name === 'restrict') restricted = isOn(name, value, bad);
    else if (name === 'host-loopback') hostLoopback = isOn(name, value, bad);
    else if (name === 'ipv6') ipv6 = isOn(name, value, bad);
    else if (name in textSettings && value) texts[textSettings[name as keyof typeof textSettings]] = value;
    else throw bad(`'${name}${value === undefined ? '' : `=${value}`}' is no setting of a user network`);
  }
  return {
    type: 'user',
    forwards,
    hostLoopback,
    ...(ipv6 ? {} : { ipv6: false }),
    ...(restricted || allow.length > 0 ? { restrict: allow } : {}),
    ...texts,
  };
}

/** Settings with a text, under their names in the API. */
const textSettings = {
  net: 'network',
  dhcpstart: 'dhcpStart',
  hostname: 'hostname',
  domain: 'domain',
  tftp: 'tftp',
  bootfile: 'bootFile',
} as const;

function isOn(name: string, value: string | undefined, bad: Bad): boolean {
  if (value === undefined || value === 'on' || value === 'yes') return true;
  if (value === 'off' || value === 'no') return false;
  throw bad(`${name}=${value}: it is on or off`);
}

/** `tcp:127.0.0.1:2222-10.0.2.15:22`, as QEMU has it: protocol and addresses may be left out. */
function parseForward(text: string, bad: Bad): ForwardOptions {
  const match = /^(?:(tcp|udp):)?([^:]*):(\d+)-([^:]*):(\d+)$/.exec(text);
  if (match === null) throw bad(`hostfwd=${text}: write it like tcp:127.0.0.1:2222-:22`);
  const [, protocol = 'tcp', hostAddress, hostPort, guestAddress, guestPort] = match;
  return {
    protocol: protocol as 'tcp' | 'udp',
    ...(hostAddress ? { hostAddress } : {}),
    hostPort: port(hostPort, bad),
    ...(guestAddress ? { guestAddress } : {}),
    guestPort: port(guestPort, bad),
  };
}

function parseStream(address: string, settings: readonly Setting[], bad: Bad): NetOptions {
  let server = false;
  for (const { name, value } of settings) {
    if (name !== 'server') throw bad(`'${name}' is no setting of a stream`);
    server = isOn(name, value, bad);
  }
  if (address.startsWith('unix:')) return { type: 'stream', path: address.slice(5), server };
  return { type: 'stream', ...hostPort(address, bad), server };
}

function parseDgram(address: string, settings: readonly Setting[], bad: Bad): NetOptions {
  const [remote, other] = settings;
  if (remote?.name !== 'remote' || remote.value === undefined || other !== undefined) {
    throw bad('give the other end, and nothing else: dgram=HOST:PORT,remote=HOST:PORT');
  }
  return { type: 'dgram', local: hostPort(address, bad), remote: hostPort(remote.value, bad) };
}

/** No script runs, as QEMU's do by default: `script=no` says so for command lines that are QEMU's. */
function parseTap(name: string | undefined, settings: readonly Setting[], bad: Bad): NetOptions {
  for (const setting of settings) {
    if (setting.name !== 'script' && setting.name !== 'downscript') {
      throw bad(`'${setting.name}' is no setting of a tap device`);
    }
    if (setting.value !== 'no') throw bad(`${setting.name}=${setting.value ?? ''}: no script is run; it can be 'no'`);
  }
  return { type: 'tap', ...(name === undefined ? {} : { name }) };
}

function parseBridge(bridge: string, settings: readonly Setting[], bad: Bad): NetOptions {
  const [tap, other] = settings;
  const wrong = other ?? (tap?.name === 'tap' && tap.value ? undefined : tap);
  if (wrong !== undefined) throw bad(`'${wrong.name}' is no setting of a bridge: there is tap=NAME`);
  return { type: 'bridge', bridge, ...(tap?.value === undefined ? {} : { name: tap.value }) };
}

function hostPort(text: string, bad: Bad): { host: string; port: number } {
  const match = /^(?:tcp:|udp:)?(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  if (match === null) throw bad(`'${text}' is no address: write it like 127.0.0.1:1234`);
  return { host: match[1] ?? match[2] ?? '', port: port(match[3], bad) };
}

function port(text: string | undefined, bad: Bad): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw bad(`${text} is no port`);
  return value;
}

/** The interfaces of the command line: `--mac` and `--capture` belong to the `--net` of the same place. */
export function parseNets(
  nets: readonly string[],
  macs: readonly string[],
  captures: readonly string[],
): (NetOptions | NamedNet)[] {
  for (const [name, list] of Object.entries({ mac: macs, capture: captures })) {
    if (list.length > nets.length) throw usageError(`--${name} ${list.at(-1)}: there is no --net for it`);
  }
  return nets.map((text, index) => {
    const [mac, capture] = [macs[index], captures[index]];
    return { ...parseNet(text), ...(mac === undefined ? {} : { mac }), ...(capture === undefined ? {} : { capture }) };
  });
}
