/** Addresses of devices on the guest's buses, as `attach-disk` and `attach-interface` take them. */
import { UsageFailure } from '../failure.ts';
import { element } from '../xml.ts';

const HEX = '([0-9a-f]+)';
const PCI = new RegExp(`^${HEX}[.:]${HEX}[.:]${HEX}\\.${HEX}$`, 'i');

function hex(digits: string, columns: number): string {
  return `0x${Number.parseInt(digits, 16).toString(16).padStart(columns, '0')}`;
}

/** `<address type='pci'>` of `0000:00:19.0`, with points or colons; undefined: it is none. */
export function pciAddress(text: string, multifunction = false): string | undefined {
  const [, domain, bus, slot, func] = PCI.exec(text) ?? [];
  if (domain === undefined || bus === undefined || slot === undefined || func === undefined) return undefined;
  return element('address', {
    type: 'pci',
    domain: hex(domain, 4),
    bus: hex(bus, 2),
    slot: hex(slot, 2),
    function: hex(func, 1),
    multifunction: multifunction ? 'on' : undefined,
  });
}

function ccwAddress(text: string): string | undefined {
  const [, cssid, ssid, devno] = /^([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)$/i.exec(text) ?? [];
  if (cssid === undefined || ssid === undefined || devno === undefined) return undefined;
  return element('address', { type: 'ccw', cssid: hex(cssid, 2), ssid: hex(ssid, 1), devno: hex(devno, 4) });
}

function driveAddress(text: string): string | undefined {
  const [, controller, bus, unit] = /^(\d+)\.(\d+)\.(\d+)$/.exec(text) ?? [];
  if (controller === undefined) return undefined;
  return element('address', { type: 'drive', controller, bus, unit });
}

function usbAddress(text: string): string | undefined {
  const [, bus, port] = /^(\d+)\.(\d+)$/.exec(text) ?? [];
  return bus === undefined ? undefined : element('address', { type: 'usb', bus, port });
}

type Reader = (text: string, multifunction: boolean) => string | undefined;

const readers: Readonly<Record<string, Reader>> = {
  pci: pciAddress,
  ccw: ccwAddress,
  scsi: driveAddress,
  ide: driveAddress,
  sata: driveAddress,
  usb: usbAddress,
};

/** Which addresses a disk may have, by the beginning of its target's name; others may have any. */
const kinds: readonly (readonly [prefix: string, kinds: readonly string[], expecting: string])[] = [
  ['vd', ['pci', 'ccw'], 'expecting a pci:0000.00.00.00 or ccw:00.0.0000 address.'],
  ['sd', ['scsi', 'usb', 'sata'], 'expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address.'],
  ['hd', ['ide'], 'expecting an ide:00.00.00 address.'],
];

/** The `<address>` of a disk, from `pci:0000.00.11.0` and the like. Throws UsageFailure. */
export function diskAddress(text: string, target: string, multifunction: boolean): string {
  const [, kind = '', rest = ''] = /^(\w+):(.*)$/s.exec(text) ?? [];
  const address = readers[kind]?.(rest, multifunction);
  if (address === undefined) throw new UsageFailure('Invalid address.');
  const rule = kinds.find(([prefix]) => target.startsWith(prefix));
  if (rule !== undefined && !rule[1].includes(kind)) throw new UsageFailure(rule[2]);
  return address;
}
