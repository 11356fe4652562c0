import { numericNextHop, type NameService } from '../../src/signalling/next-hop';

const names: NameService = {
  resolveSrv: (name) => {
    if (name === '_sip._udp.example.com') {
      const far = { name: 'b.example.com', port: 5_080, priority: 20 };
      return Promise.resolve([far, { name: 'a.example.com', port: 5_070, priority: 10 }]);
    }
    return Promise.reject(new Error('ENOTFOUND'));
  },
  lookup: (name) => {
    const address = new Map([
      ['a.example.com', '192.0.2.1'],
      ['example.com', '192.0.2.9'],
      ['six.example.com', '2001:db8::6'],
    ]).get(name);
    return address === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve({ address });
  },
};

test.each([
  ['sip:100@example.com', 'sip:192.0.2.1:5070'],
  ['sip:100@example.com;transport=tcp', 'sip:192.0.2.9;transport=tcp'],
  ['sip:100@example.com:5066', 'sip:192.0.2.9:5066'],
  ['sips:100@example.com', 'sips:192.0.2.9;transport=tls'],
  ['sip:a.example.com@six.example.com:5062', 'sip:[2001:db8::6]:5062'],
])('%s goes to %s', async (uri, hop) => {
  await expect(numericNextHop(uri, names)).resolves.toBe(hop);
});

test.each(['sip:100@192.0.2.7:5060', 'sip:100@[2001:db8::1]', 'sip:100@localhost', 'tel:+33123'])(
  '%s needs no other next hop',
  async (uri) => {
    await expect(numericNextHop(uri, names)).resolves.toBeUndefined();
  },
);

test('a name without an address is told', async () => {
  await expect(numericNextHop('sip:100@nowhere.example.com', names)).rejects.toThrow(
    'nowhere.example.com has no address',
  );
});
