import assert from 'node:assert/strict';
import { hostName, parseHostName, parseHosts, parsePort, UsageError } from './hostlist.ts';

describe('parseHosts', () => {
  it('numbers the hosts of each kind from 1', () => {
    const names = parseHosts('xen:1,lxc:2,test:3').map(hostName);
    assert.deepEqual(names, ['xen-1', 'lxc-1', 'lxc-2', 'test-1', 'test-2', 'test-3']);
  });

  it('takes blanks around each part', () => {
    assert.deepEqual(parseHosts(' lxc:1 , test:1 ').map(hostName), ['lxc-1', 'test-1']);
  });

  it('takes nothing as no hosts', () => {
    assert.deepEqual(parseHosts(''), []);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['kvm:1', /"kvm" is no kind of host; use xen, lxc, test/],
    ['XEN:1', /"XEN" is no kind of host/],
    ['xen', /"xen" must read xen:NUMBER/],
    ['xen:', /"xen:" must read xen:NUMBER/],
    ['xen:one', /"xen:one" must read xen:NUMBER/],
    ['xen:1.5', /must read xen:NUMBER/],
    ['xen:-1', /must read xen:NUMBER/],
    ['xen:1e3', /must read xen:NUMBER/],
    ['xen:1:2', /must read xen:NUMBER/],
    ['xen:0', /asks for no host/],
    ['xen:8', /too many; a bed has at most 7/],
    ['test:65', /too many; a bed has at most 64/],
    ['test:99999999999999999999', /too many/],
    ['lxc:8', /too many; a bed has at most 7/],
    ['lxc:1,lxc:1', /"lxc" is named twice/],
    ['xen:1,', /"" is no kind of host/],
    ['constructor:1', /"constructor" is no kind of host/],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)} in one line`, () => {
      assert.throws(
        () => parseHosts(text),
        (error: unknown) => {
          assert.ok(error instanceof UsageError);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        },
      );
    });
  }
});

describe('parseHostName', () => {
  it('reads what hostName writes', () => {
    assert.deepEqual(parseHostName('test-12'), { kind: 'test', number: 12 });
  });

  for (const name of ['etcd', 'xen-0', 'xen-8', 'lxc-01', 'lxc-1-holder', 'kvm-1', '']) {
    it(`finds no host in ${JSON.stringify(name)}`, () => {
      assert.equal(parseHostName(name), undefined);
    });
  }
});

describe('parsePort', () => {
  it('takes a port, and nothing as none', () => {
    assert.equal(parsePort('8080'), 8080);
    assert.equal(parsePort(''), undefined);
    assert.equal(parsePort(undefined), undefined);
  });

  for (const text of ['0', '65536', 'http', '80.5', '-1', ' 80']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parsePort(text), UsageError);
    });
  }
});
