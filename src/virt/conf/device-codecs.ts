/** What devices of several kinds have in common, as codecs. */
import { attr, type Codec, child, element, type Fields } from './codec.ts';
import type { AddressDef, BootOrderDef, DeviceCommon } from './device-def.ts';
import { hex, int, nonEmpty, oneOf, str } from './scalar.ts';

const addressFields: Fields<AddressDef> = {
  type: attr('type', nonEmpty, 'required'),
  domain: attr('domain', hex(4, 0xffffffff)),
  controller: attr('controller', str),
  bus: attr('bus', str),
  target: attr('target', str),
  unit: attr('unit', str),
  slot: attr('slot', hex(2, 0x1f)),
  port: attr('port', str),
  function: attr('function', hex(1, 7)),
  multifunction: attr('multifunction', oneOf('on', 'off')),
};

const plainAddress = element<AddressDef>(addressFields);
const pciAddress = element<AddressDef>({ ...addressFields, bus: attr('bus', hex(2, 0xff)) });

/** `<address>`; the bus is a hexadecimal number of PCI devices and a decimal one of the others. */
const address: Codec<AddressDef> = {
  read: (from) => (from.getAttribute('type') === 'pci' ? pciAddress : plainAddress).read(from),
  write: (value, name) => plainAddress.write(value, name),
};

/** `<alias>` and `<address>`, the last fields of every device. */
export const common: Pick<Fields<DeviceCommon>, 'alias' | 'address'> = {
  alias: child('alias', element<NonNullable<DeviceCommon['alias']>>({ name: attr('name', nonEmpty, 'required') })),
  address: child('address', address),
};

/** `<boot order>`. */
export const boot = child('boot', element<BootOrderDef>({ order: attr('order', int(1, 0xffff), 'required') }));
