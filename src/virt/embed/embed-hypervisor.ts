import { type FilledDomainDef, toMachineOptions } from '../conf/index.ts';
import type { MachineSurroundings, MadeGuest } from '../local/hypervisor.ts';
import { changeMachine } from '../local/live-devices.ts';
import { MachineHypervisor } from '../local/machine-hypervisor.ts';
import { makeMachine } from '../local/machine-maker.ts';
import { SwitchDriver } from '../local/switch-driver.ts';

/** Machines in threads of this process: what is behind `nodevisor:///embed`. */
export class EmbedHypervisor extends MachineHypervisor {
  override readonly networks = new SwitchDriver({ logger: this.logger });

  override async make(def: FilledDomainDef, surroundings: MachineSurroundings): Promise<MadeGuest> {
    const plan = toMachineOptions(def, surroundings);
    const made = await makeMachine(plan, this);
    const { machine, consoles, hostNames, numbers, resizeDisk, tuneDisk, captureNet } = made;
    return {
      guest: machine,
      consoles,
      notices: plan.notices,
      hostNames,
      numbers: async () => numbers(),
      resizeDisk,
      tuneDisk: async (target, tune) => tuneDisk(target, tune),
      changeDevice: (change) => changeMachine(made, change),
      captureNet: async (alias) => captureNet(alias),
    };
  }
}
