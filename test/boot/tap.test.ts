import { needTool } from '../support/need-tool.ts';
import { beside, testInNamespace } from '../support/net-namespace.ts';
import { debianImage } from './support.ts';

describe('boot: Debian on tap devices and bridges of the host', () => {
  // The image may have to be fetched, from where there is a network.
  testInNamespace(beside(import.meta.url, './tap.namespaced.ts'), 300_000, async (test) => {
    needTool(test, 'virsh', 'libvirt-clients');
    needTool(test, 'ping', 'iputils-ping');
    return { NODEVISOR_TEST_DEBIAN: JSON.stringify(await debianImage(test)) };
  });
});
