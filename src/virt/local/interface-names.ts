/** What interfaces of a running domain have beside their definition: a name on the host, and the network's bridge. */
import type { FilledDomainDef, InterfaceDef } from '../conf/index.ts';
import type { World } from './world.ts';

/** The definition of a domain that starts, its interfaces with names that no other running domain's have. */
export function nameInterfaces(world: Pick<World, 'domains' | 'networks'>, def: FilledDomainDef): FilledDomainDef {
  const running = world.domains.all.flatMap(({ run }) => run?.def.devices.interfaces ?? []);
  const taken = new Set([...running, ...def.devices.interfaces].map(({ target }) => target?.dev));
  const interfaces = def.devices.interfaces.map((one) => {
    const { target = {}, source } = one;
    const dev = target.dev ?? freeName(taken);
    taken.add(dev);
    const bridge = one.type === 'network' ? bridgeOf(world, source?.network) : undefined;
    return {
      ...one,
      ...(bridge === undefined ? {} : { source: { ...source, bridge } }),
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

function freeName(taken: ReadonlySet<string | undefined>): string {
  let index = 0;
  while (taken.has(`vnet${index}`)) index++;
  return `vnet${index}`;
}

function bridgeOf({ networks }: Pick<World, 'networks'>, name: string | undefined): string | undefined {
  return networks.all.find((network) => network.name === name && network.live?.hasPorts)?.current.bridge?.name;
}
