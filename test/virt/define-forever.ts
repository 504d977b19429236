/** Defines domains, one after another, and prints the name of each once it is defined, until it is killed. */
import { connect } from '../../src/index.ts';

const connection = await connect(process.argv[2] ?? '');
for (let index = 0; ; index++) {
  const { name } = await connection.defineDomain({
    type: 'qemu',
    name: `d${index}`,
    memory: 32_768,
    os: { type: { value: 'hvm', arch: 'riscv64', machine: 'virt' }, boot: [] },
  });
  process.stdout.write(`${name}\n`);
}
