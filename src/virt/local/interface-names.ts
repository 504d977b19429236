/** What interfaces of a running domain have beside their definition: a name on the host, the network's bridge and its port. */
import { hasHostInterface } from '../../machine/index.ts';
import { hostRandom } from '../../util/index.ts';
import { type FilledDomainDef, hasChosenName, type InterfaceDef, randomUuid } from '../conf/index.ts';
import type { World } from './world.ts';

/**
 * The definition of a domain that starts, its interfaces with names that neither another running domain's have nor the
 * host's.
 */
export function nameInterfaces(
  world: Pick<World, 'domains' | 'networks' | 'hypervisor'>,
  def: FilledDomainDef,
): FilledDomainDef {
  // A world with a host of its own has nothing of this one.
  const { hostInterfaces } = world.hypervisor;
  const isHosts = (name: string) => hostInterfaces === undefined && hasHostInterface(name);
  const running = world.domains.all.flatMap(({ run }) => run?.def.devices.interfaces ?? []);
  const taken = new Set([...running, ...def.devices.interfaces].map(({ target }) => target?.dev));
  const interfaces = def.devices.interfaces.map((one) => {
    const { target = {}, source } = one;
    const wanted = target.dev === undefined || (hasChosenName(one) && isHosts(target.dev)) ? undefined : target.dev;
    const dev = wanted ?? freeName((name) => taken.has(name) || isHosts(name));
    taken.add(dev);
    const bridge = one.type === 'network' ? bridgeOf(world, source?.network) : undefined;
    return {
      ...one,
      ...(bridge === undefined ? {} : { source: { ...source, portid: randomUuid(hostRandom), bridge } }),
      target: { ...target, dev },
    };
  });
  return { ...def, devices: { ...def.devices, interfaces } };
}

/** The definition with the names that its interfaces had in another one, which it was made from. */
export function keepInterfaceNames(def: FilledDomainDef, before: readonly InterfaceDef[]): FilledDomainDef {
  const interfaces = def.devices.interfaces.map((one, index) => {
    const { source, target } = before[index] ?? one;
    return { ...one, ...(source === undefined ? {} : { source }), ...(target === undefined ? {} : { target }) };
  });
  return { ...def, devices: { ...def.devices, interfaces } };
}

/** The definition with the names that the host has given interfaces, by alias, which may be others than were asked for. */
export function takeHostNames(def: FilledDomainDef, names: ReadonlyMap<string, string> = new Map()): FilledDomainDef {
  const interfaces = def.devices.interfaces.map((one) => {
    const dev = names.get(one.alias?.name ?? '');
    return dev === undefined ? one : { ...one, target: { ...one.target, dev } };
  });
  return { ...def, devices: { ...def.devices, interfaces } };
}

function freeName(isTaken: (name: string) => boolean): string {
  let index = 0;
  while (isTaken(`vnet${index}`)) index++;
  return `vnet${index}`;
}

function bridgeOf(
  { networks, hypervisor }: Pick<World, 'networks' | 'hypervisor'>,
  name: string | undefined,
): string | undefined {
  if (!hypervisor.networks.hasPorts) return undefined;
  return networks.all.find((network) => network.name === name && network.active)?.current.bridge?.name;
}
