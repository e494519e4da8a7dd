import assert from 'node:assert/strict';

import { readHostUri } from './hosturi.ts';

describe('readHostUri', () => {
  const accepted: readonly (readonly [string, string, string])[] = [
    ['xen+tls://198.18.1.2/system', 'xen', 'tls'],
    ['xen+tls://dom0.example.test:16514/system', 'xen', 'tls'],
    ['xen+tls://[fd00::2]/system', 'xen', 'tls'],
    ['xen+unix:///system', 'xen', 'unix'],
    ['xen+unix:///system?socket=/run/libvirt/libvirt-sock', 'xen', 'unix'],
    ['lxc+unix:///system?socket=/run/hatchery-0a1b2c/lxc-1.sock', 'lxc', 'unix'],
    ['test+unix:///default?socket=/run/hatchery-0a1b2c/test-1.sock', 'test', 'unix'],
    ['test+tcp://127.0.0.1:16509/default', 'test', 'tcp'],
    ['test+tcp://[::1]/default', 'test', 'tcp'],
  ];
  for (const [text, kind, transport] of accepted) {
    it(`accepts ${text}`, () => {
      assert.deepEqual(readHostUri(text), { ok: true, uri: { text, kind, transport } });
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /no URI such as/],
    ['dom0', /no URI such as/],
    ['qemu+tls://h/system', /scheme qemu\+tls is none of/],
    ['xen+ssh://h/system', /scheme xen\+ssh is none of/],
    ['xen:///system', /scheme xen is none of/],
    ['xen+tls://root:secret@h/system', /user or password .* never used/],
    ['xen+tls://h/', /the path must be \/system, not "\/"/],
    ['xen+tls://h/system/../x', /the path must be/],
    ['test+unix:///system', /the path must be \/default/],
    ['xen+tls://h/system?no_verify=1', /option no_verify is not accepted/],
    ['xen+tls://h/system?pkipath=/tmp', /option pkipath is not accepted/],
    ['xen+tls://h/system#x', /fragment/],
    ['xen+tls:///system', /"" is no host name/],
    ['xen+tls://-h-/system', /is no host name/],
    ['xen+tcp://198.18.1.2/system', /loopback only/],
    ['xen+tcp://127.0.0.1.example.test/system', /loopback only/],
    ['xen+unix://h/system', /has no host/],
    ['xen+unix:///system?socket=run/sock', /absolute path/],
    ['xen+unix:///system?socket=/a&socket=/b', /more than once/],
    ['xen+unix:///system?socket=/a&mode=direct', /option mode is not accepted/],
  ];
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const reading = readHostUri(text);
      assert.ok(!reading.ok);
      assert.match(reading.why, why);
    });
  }

  it('never repeats a password', () => {
    const reading = readHostUri('xen+tls://root:secret@h/system');
    assert.ok(!reading.ok && !reading.why.includes('secret'));
  });
});
