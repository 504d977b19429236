import { forEachBackend } from '../support/backends.ts';
import { describeHypervisor } from './contract.ts';

forEachBackend(describeHypervisor);
