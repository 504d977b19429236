/** Opens an image given on the command line, says so on standard output, and holds it until it is killed. */
import { FileBlock } from '../../../src/machine/backend/file-block.ts';

const [path, mode] = process.argv.slice(2);
try {
  await FileBlock.open(path as string, { readOnly: mode === 'readonly' });
  console.log('open');
  setInterval(() => {}, 1000);
} catch (error) {
  console.log((error as Error).message);
}
