/** Attaches to a machine and, once the other side runs, kicks its first vCPU. */
import { parentPort, workerData } from 'node:worker_threads';
import { hartWord, kick } from '../../src/cpu/index.ts';
import { Vm } from '../../src/hypervisor/index.ts';
import { ManualClock } from '../../src/util/index.ts';

const vm = Vm.attach(workerData.data.shared, new ManualClock());
const { words } = vm.harts[0];
parentPort?.postMessage('ready');
while (Atomics.load(words, hartWord.inGuest) === 0) Atomics.wait(words, hartWord.inGuest, 0, 1);
kick(vm.harts[0]);
