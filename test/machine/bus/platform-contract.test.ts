import { describeDevice } from '../device-contract.ts';
import { platformDevices } from '../device-factories.ts';

for (const [name, factory] of Object.entries(platformDevices)) describeDevice(name, factory);
