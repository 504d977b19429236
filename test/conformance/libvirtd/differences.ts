import type { Result } from '../../tools/cli/support.ts';

/** Why a command comes to something else with us, and what still holds. */
export interface Difference {
  readonly why: string;
  holds(real: Result, ours: Result): boolean;
}

const sameWords = (real: Result, ours: Result) => real.out === ours.out && real.err === ours.err;

const succeeds: Difference = {
  why: 'virsh does it, and ends with the status of a failure',
  holds: (real, ours) => real.code === 1 && ours.code === 0 && sameWords(real, ours),
};
const fails: Difference = {
  why: 'virsh fails, and ends with the status of a success; ours says what failed',
  holds: (real, ours) => real.code === 0 && ours.code === 1 && ours.err.startsWith(real.err),
};

/** Commands that do not come to the same. */
export const differences: Readonly<Record<string, Difference>> = {
  'iface-destroy eth7': succeeds,
  'net-port-dumpxml default 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f': fails,
  'net-port-delete default nope': fails,
  'qemu-monitor-command v qom-get path=machine': {
    why: 'libvirt passes on what its parser of JSON says, too',
    holds: (real, ours) => real.code === ours.code && real.err.startsWith(ours.err.trimEnd()),
  },
  'schedinfo v --set cpu_shares=5': {
    why: 'virsh names a scheduler that it could not ask for',
    holds: (real, ours) => real.code === ours.code && real.err === ours.err && ours.out.trim() === '',
  },
};
