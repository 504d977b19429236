/**
 * Entry of a vCPU thread in a checkout, on a Node that does not strip types itself (before 22.18): registers tsx in the
 * thread, since loaders do not pass from a thread to its workers. The package runs worker.js.
 */
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
