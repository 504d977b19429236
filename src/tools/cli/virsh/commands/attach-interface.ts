import { type CommandArgs, requires } from '../arguments.ts';
import { flag, type OptionDef, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { deviceAffectOptions, domainOption } from '../shared-options.ts';
import { element, part } from '../xml.ts';
import { pciAddress } from './addresses.ts';

/** Types of interfaces, and the attribute of `<source>` that says where one is plugged in. */
const SOURCES: Readonly<Record<string, string | undefined>> = {
  network: 'network',
  bridge: 'bridge',
  direct: 'dev',
  hostdev: 'address',
  user: undefined,
  ethernet: undefined,
};

/** The types that completion offers. */
export const interfaceTypes: readonly string[] = Object.keys(SOURCES);

const sourceOption = text('source', 'source of network interface: what it is plugged into; type user has none', {
  complete: 'network',
});

/** What `attach-interface` takes. */
export const attachInterfaceOptions: readonly OptionDef[] = [
  domainOption(),
  text('type', 'network interface type', { required: true, complete: interfaceTypes }),
  sourceOption,
  text('target', 'target network name'),
  text('mac', 'MAC address'),
  text('script', 'script used to bridge network interface'),
  text('model', 'model type', { complete: ['virtio'] }),
  text('alias', 'custom alias name of interface device'),
  text('inbound', "limit of the domain's incoming traffic: average,peak,burst,floor"),
  text('outbound', "limit of the domain's outgoing traffic: average,peak,burst"),
  ...deviceAffectOptions,
  flag('print-xml', 'print XML document rather than attach the interface'),
  flag('managed', 'libvirt takes the device from the host and gives it back'),
  text('source-mode', 'mode attribute of <source/> element'),
];

/** Limits of traffic as virsh takes them: `average,peak,burst,floor` in KiB/s and KiB. */
export interface Rate {
  readonly average?: string;
  readonly peak?: string;
  readonly burst?: string;
  readonly floor?: string;
}

/** Reads limits of traffic. Throws UsageFailure. */
export function parseRate(value: string): Rate {
  const fields = value.split(',');
  const names = ['average', 'peak', 'burst', 'floor'] as const;
  if (fields.length > names.length) throw new UsageFailure(`Rate string '${value}' has too many fields`);
  const rate: { -readonly [Name in keyof Rate]: string } = {};
  for (const [i, number] of fields.entries()) {
    if (number === '') continue;
    if (!/^\d+$/.test(number)) throw new UsageFailure(`field '${names[i]}' is malformed`);
    rate[names[i]!] = number;
  }
  return { ...rate };
}

function checkedRate(direction: 'inbound' | 'outbound', args: CommandArgs): string | undefined {
  const value = args.text(direction);
  if (value === undefined) return undefined;
  const rate = parseRate(value);
  if (direction === 'outbound' && rate.floor !== undefined) {
    throw new UsageFailure('outbound floor is unsupported yet');
  }
  if (rate.average === undefined && rate.floor === undefined) {
    const what = direction === 'inbound' ? 'either inbound average or floor is' : 'outbound average is';
    throw new UsageFailure(`${what} mandatory`);
  }
  return element(direction, { ...rate });
}

function sourceXml(type: string, args: CommandArgs): string | undefined {
  const attribute = SOURCES[type];
  if (attribute === undefined) return undefined;
  const source = args.text('source');
  if (source === undefined) throw new UsageFailure(requires('attach-interface', sourceOption));
  if (type !== 'hostdev') return element('source', { [attribute]: source, mode: args.text('source-mode') });
  const address = pciAddress(source);
  if (address === undefined) {
    throw new UsageFailure(`cannot parse pci address '${source}' for network interface`);
  }
  return element('source', {}, [address]);
}

/** The `<interface>` that `attach-interface` is asked for. Throws UsageFailure. */
export function interfaceXml(args: CommandArgs): string {
  const type = args.need('type');
  if (!Object.hasOwn(SOURCES, type)) throw new UsageFailure(`No support for ${type} in command 'attach-interface'`);
  const [target, mac, script] = [args.text('target'), args.text('mac'), args.text('script')];
  const [model, alias] = [args.text('model'), args.text('alias')];
  const rates = [checkedRate('inbound', args), checkedRate('outbound', args)];
  return element('interface', { type, managed: args.flag('managed') ? 'yes' : undefined }, [
    sourceXml(type, args),
    part('target', { dev: target }),
    part('mac', { address: mac }),
    part('script', { path: script }),
    part('model', { type: model }),
    part('alias', { name: alias }),
    rates.some((rate) => rate !== undefined) ? element('bandwidth', {}, rates) : undefined,
  ]);
}
