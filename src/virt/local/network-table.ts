import { hostRandom } from '../../util/index.ts';
import {
  type FilledNetworkDef,
  fillNetworkDefaults,
  formatNetwork,
  parseNetwork,
  validateNetwork,
} from '../conf/index.ts';
import { NamedObject, NamedTable } from './named-table.ts';
import type { World } from './world.ts';

/** A network of a world. */
export class LocalNetwork extends NamedObject<FilledNetworkDef> {}

/** The networks of a world. */
export class NetworkTable extends NamedTable<LocalNetwork> {
  readonly #world: World;

  constructor(world: World) {
    const names = { missing: 'NO_NETWORK', what: 'network', short: 'network' } as const;
    super(names, (uuid, name) => new LocalNetwork(uuid, name));
    this.#world = world;
  }

  /** Reads a definition, fills in its defaults and checks it. Throws XML_ERROR, CONFIG_UNSUPPORTED. */
  complete(xml: string): FilledNetworkDef {
    const parsed = parseNetwork(xml);
    const namesake = this.all.find(({ name }) => name === parsed.name);
    const others = this.all.filter((one) => one !== namesake).flatMap(({ current }) => current.bridge?.name ?? []);
    const mac = parsed.mac ?? namesake?.current.mac;
    const def = fillNetworkDefaults(
      { ...parsed, ...(mac === undefined ? {} : { mac }) },
      { random: hostRandom, bridges: new Set(others) },
    );
    validateNetwork(def);
    return def;
  }

  async load(): Promise<void> {
    const { logger } = this.#world.hypervisor;
    for (const { uuid, xml, autostart } of await this.#world.store.load('networks')) {
      try {
        const def = this.complete(xml);
        const network = this.claim(def.uuid, def.name);
        network.config = def;
        network.autostart = autostart;
      } catch (error) {
        logger.log('error', `the kept definition of network ${uuid} cannot be read: ${String(error)}`);
      }
    }
  }

  save(def: FilledNetworkDef): Promise<void> {
    return this.#world.store.save('networks', def.uuid, formatNetwork(def));
  }
}
