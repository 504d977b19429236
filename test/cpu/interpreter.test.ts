import { createEngine } from '../../src/cpu/index.ts';
import { describeEngine } from './contract.ts';

describeEngine('interpreter', (config) => createEngine('interpreter', config));
