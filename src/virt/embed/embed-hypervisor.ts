import { type FilledDomainDef, toMachineOptions } from '../conf/index.ts';
import type { MadeGuest } from '../local/hypervisor.ts';
import { MachineHypervisor } from '../local/machine-hypervisor.ts';
import { makeMachine } from '../local/machine-maker.ts';

/** Machines in threads of this process: what is behind `nodevisor:///embed`. */
export class EmbedHypervisor extends MachineHypervisor {
  override readonly noNetworks = 'machines in this process have no network devices yet';

  override async make(def: FilledDomainDef, volumePath: (pool: string, volume: string) => string): Promise<MadeGuest> {
    const plan = toMachineOptions(def, { volumePath });
    const { machine, consoles, numbers, resizeDisk, tuneDisk } = await makeMachine(plan, this);
    return {
      guest: machine,
      consoles,
      notices: plan.notices,
      numbers: async () => numbers(),
      resizeDisk,
      tuneDisk: async (target, tune) => tuneDisk(target, tune),
    };
  }
}
