import { planOf } from '../dialplan/plan-of';
import { callsFunction, doneResponse, startResponse } from './model-lines';
import { destination, TransferringCall } from './transferring-call';

// A model that was talked into anything gets no further than its agent's lists, whatever it writes.

const plan = [
  'destinations:',
  '  sales: { to: "sip:600@pbx.example.com" }',
  '  desk: { to: "sip:601@pbx.example.com" }',
  'tools:',
  '  order:',
  '    description: Finds an order.',
  '    parameters: { order_id: { type: string } }',
  '    http: { method: GET, url: "https://shop.example.com/orders/{order_id}" }',
  '  refund: { description: Pays money back., http: { method: POST, url: "https://shop.example.com/refunds" } }',
  '  crm: { description: The CRM., mcp: { url: "https://crm.example.com/mcp", allowed_tools: [find] } }',
  'agents:',
  '  reception: { instructions: Be kind., tools: [order, transfer_call, hang_up], transfers: [sales] }',
  '  accounts: { instructions: Be exact., tools: [refund, crm, hang_up, transfer_call], transfers: [desk] }',
  'routes:',
  '  - { name: accounts, when: { to: "2" }, answer: accounts }',
  '  - { name: calls, when: any, answer: reception }',
].join('\n');

async function reception(): Promise<TransferringCall> {
  const { routes } = await planOf({ 'a.yaml': plan });
  const answers = routes.flatMap((route) => ('agent' in route.action ? [route.action.agent] : []));
  const agent = answers.find(({ name }) => name === 'reception');
  if (agent === undefined) throw new Error('no such agent');
  const destinations = [destination('sales'), destination('desk')];
  return new TransferringCall(destinations, { tools: agent.tools, transfers: ['sales'] }).answered();
}

const huge = 'x'.repeat(500_000);
const attempts: [string, string, unknown][] = [
  ['a destination of another agent', 'transfer_call', { destination: 'desk' }],
  ['a number', 'transfer_call', { destination: '+339998877' }],
  ['a SIP address', 'transfer_call', { destination: 'sip:600@elsewhere.example.com' }],
  ['a list of destinations', 'transfer_call', { destination: ['sales'] }],
  [
    'a destination and an address beside it',
    'transfer_call',
    { destination: 'sales', to: 'sip:9@elsewhere.example.com' },
  ],
  ['a destination by a name of objects', 'transfer_call', { destination: '__proto__' }],
  ['a tool of another agent', 'refund', {}],
  ['an MCP server of another agent', 'crm', { tool: 'find' }],
  ['a tool of that MCP server', 'crm.find', {}],
  ['a tool of it that the plan does not allow', 'crm.delete', {}],
  ['a tool of ours that is not listed', 'send_digits', { keys: '12' }],
  ['another one', 'take_message', { message: 'Call me.' }],
  ['a tool by a name of objects', 'constructor', {}],
  ['a tool that nobody has', 'http_request', { url: 'https://elsewhere.example.com/' }],
  ['another address for a tool', 'order', { order_id: '1', url: 'https://elsewhere.example.com/' }],
  ['another host in an argument', 'order', { order_id: '..' }],
  ['an argument of another kind', 'order', { order_id: { $ne: '' } }],
  ['an argument without end', 'order', { order_id: huge }],
  ['a long name that nobody has', huge.slice(0, 200), {}],
  ['arguments that are no object', 'order', [1, 2]],
  ['arguments that are no JSON', 'order', '{"order_id":'],
  ['arguments as deep as they are long', 'order', `{"order_id":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
];

test.each(attempts)('a model that asks for %s gets a refusal and nothing else', async (_what, name, given) => {
  const call = await reception();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  const argumentsText = typeof given === 'string' ? given : JSON.stringify(given);
  callsFunction(call, { responseId: 'resp_1', callId: 'call_1', name, argumentsText });
  doneResponse(call, { responseId: 'resp_1' });
  await call.run(10_000);

  expect(call.callees.called).toEqual([]);
  expect(call.caller.saw.map(({ kind }) => kind)).toEqual(['ringing', 'answered']);
  expect(call.messages).toEqual([]);
  expect(call.phone.keys).toEqual([]);
  // The only way out of a virtual call throws this.
  expect(JSON.stringify(call.log.fields)).not.toContain('no network');
  expect(call.told).toEqual([{ error: expect.any(String) as string }]);
  expect(JSON.stringify(call.told).length).toBeLessThan(1_000);
  expect(call.conversation.isTalking).toBe(true);
  call.caller.bye();
  await call.expectClean();
  expect(call.events.at(-1)?.snapshot.tools).toMatchObject([{ outcome: 'failed' }]);
});

test('a message that is larger than any should be is dropped, and the call goes on', async () => {
  const call = await reception();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  const argumentsText = JSON.stringify({ order_id: 'x'.repeat(4_000_000) });
  callsFunction(call, { responseId: 'resp_1', name: 'order', argumentsText });
  doneResponse(call, { responseId: 'resp_1' });
  await call.run(1_000);
  expect(call.told).toEqual([]);
  expect(JSON.stringify(call.log.fields)).not.toContain('no network');
  expect(call.conversation.isTalking).toBe(true);
  call.caller.bye();
  await call.expectClean();
});

test('what is allowed is done', async () => {
  const call = await reception();
  await call.askForTransfer('sales');
  await call.run(300);
  expect(call.callees.called).toHaveLength(1);
  call.caller.bye();
  await call.expectClean();
});
