import assert from 'node:assert/strict';

import { LibvirtUriError, parseUri } from './uri.ts';

describe('a libvirt URI', () => {
  const taken = [
    ['xen+tls://192.0.2.7/system', 'xen:///system', { transport: 'tls', host: '192.0.2.7', port: 16514 }],
    ['xen+tls://dom0.example:1234/system', 'xen:///system', { transport: 'tls', host: 'dom0.example', port: 1234 }],
    ['xen+tls://[2001:db8::1]/system', 'xen:///system', { transport: 'tls', host: '2001:db8::1', port: 16514 }],
    ['xen+unix:///system', 'xen:///system', { transport: 'unix', path: '/run/libvirt/libvirt-sock' }],
    ['xen+unix:///system?socket=/a/b', 'xen:///system', { transport: 'unix', path: '/a/b' }],
    ['lxc+unix:///system?socket=%2Fa%20b', 'lxc:///system', { transport: 'unix', path: '/a b' }],
    ['test+unix:///default?socket=/t', 'test:///default', { transport: 'unix', path: '/t' }],
    ['test+unix:///etc/node.xml?socket=/t', 'test:///etc/node.xml', { transport: 'unix', path: '/t' }],
    ['test+tcp://127.0.0.1:7/default', 'test:///default', { transport: 'tcp', host: '127.0.0.1', port: 7 }],
    ['test+tcp://127.9.9.9/default', 'test:///default', { transport: 'tcp', host: '127.9.9.9', port: 16509 }],
    ['test+tcp://[::1]/default', 'test:///default', { transport: 'tcp', host: '::1', port: 16509 }],
    ['test+tcp://localhost/default', 'test:///default', { transport: 'tcp', host: '127.0.0.1', port: 16509 }],
  ] as const;
  for (const [text, remote, endpoint] of taken) {
    it(`${text} opens ${remote}`, () => {
      const uri = parseUri(text);
      assert.deepEqual({ remote: uri.remote, endpoint: uri.endpoint }, { remote, endpoint });
      assert.equal(uri.text, text);
      assert.equal(uri.driver, remote.split(':')[0]);
    });
  }

  const refused = [
    ['', /is no URI/],
    ['xen', /is no URI/],
    ['xen:///system', /scheme/],
    ['xen+ssh://host/system', /scheme/],
    ['tls://host/system', /scheme/],
    ['xen+tls:///system', /host name/],
    ['xen+tls://host_name/system', /host name/],
    ['xen+tls://host:0/system', /port 0/],
    ['xen+tls://host', /path/],
    ['xen+tls://host/', /path/],
    ['xen+tls://host/system?no_verify=1', /option no_verify/],
    ['xen+tls://host/system?pkipath=/x', /option pkipath/],
    ['xen+tls://host/system?socket=/x', /option socket/],
    ['xen+tls://user@host/system', /user/],
    ['xen+tls://host/system#x', /fragment/],
    ['xen+unix://host/system', /three slashes/],
    ['xen+unix:///system?socket=relative', /absolute/],
    ['xen+unix:///system?socket=/a&socket=/b', /more than once/],
    ['xen+unix:///system?socket=/a&mode=direct', /option mode/],
    ['test+tcp://192.0.2.1/default', /loopback/],
    ['test+tcp://127.0.0.1.example/default', /loopback/],
    ['test+tcp://[::2]/default', /loopback/],
  ] as const;
  for (const [text, why] of refused) {
    it(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(
        () => parseUri(text),
        (error) => error instanceof LibvirtUriError && why.test(error.message) && error.message.includes(text),
      );
    });
  }
});
