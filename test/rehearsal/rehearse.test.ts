import { rehearsed, texts } from './rehearsed';

const plan = `
schedules:
  office: { timezone: Europe/Paris, open: ["mon-fri 09:00-18:00"], closed: ["12-25"] }
trunks:
  carrier: { addresses: ["203.0.113.7"] }
agents:
  reception:
    instructions: Be kind.
    greeting: "Hello, this is Example."
    turn_detection: { type: server_vad, silence: 500ms, idle_timeout: 6s }
    tools: [hang_up]
routes:
  - { name: gold, when: { header: { X-Account: gold } }, answer: reception }
  - { name: open, when: { to: "+33*", during: office }, answer: reception }
  - { name: carrier, when: { trunk: carrier }, reject: 486 }
  - { name: closed, when: any, reject: 404 }
`;

test('a caller is answered, the agent says goodbye and hangs up', async () => {
  const rehearsal = await rehearsed(
    plan,
    `
call: { to: "+331", at: "mon 10:00" }
steps:
  - caller: I only wanted to say hello.
  - agent: { says: "Goodbye then.", calls: [{ tool: hang_up }] }
expect: { route: open, agent: reception, tools: [{ tool: hang_up, outcome: done }], interruptions: 0, ends: agent-hung-up }
`,
  );
  expect(rehearsal.failures).toEqual([]);
  expect(texts(rehearsal)).toEqual([
    'the call is answered',
    'agent (greeting): Hello, this is Example.',
    'caller: I only wanted to say hello.',
    'agent: Goodbye then.',
    'tool hang_up: done',
    'the call ends: agent-hung-up',
  ]);
});

test.each([
  ['the hour', 'call: { to: "+331", at: "sun 10:00" }\nexpect: { route: closed, rejected: 404 }'],
  ['a holiday', 'call: { to: "+331", at: "2026-12-25 10:00" }\nexpect: { route: closed, rejected: 404 }'],
  ['a header', 'call: { to: "1", headers: { X-Account: gold } }\nexpect: { route: gold }'],
  ['the source', 'call: { to: "1", source: 203.0.113.7 }\nexpect: { route: carrier, rejected: 486 }'],
])('%s decides the route', async (_what, scenario) => {
  expect((await rehearsed(plan, scenario)).failures).toEqual([]);
});

test('a caller who interrupts cuts the agent off, and one who is silent is asked', async () => {
  const rehearsal = await rehearsed(
    plan,
    `
call: { to: "+331", at: "mon 10:00" }
steps:
  - agent: Hello, this is a long greeting that the caller will not hear to the end.
  - caller: { says: "Stop it.", interrupts: 1s }
  - agent: Fine.
  - silence: 9s
  - hangs_up: caller
expect: { interruptions: 1, check_ins: 1, ends: caller-hung-up, lasts: { at_least: 10s, at_most: 20s } }
`,
  );
  expect(rehearsal.failures).toEqual([]);
});

test('every expectation that is not met is told, with what came instead', async () => {
  const { failures } = await rehearsed(
    plan,
    `
call: { to: "+331", at: "mon 10:00" }
steps: [{ hangs_up: caller }]
expect: { route: closed, agent: sales, tools: [hang_up], check_ins: 2, interruptions: 3, ends: agent-hung-up, lasts: { at_least: 5s } }
`,
  );
  expect(failures).toEqual([
    'route: expected closed, got open',
    'agent: expected sales, got reception',
    'tools: expected ["hang_up"], got []',
    'check_ins: expected 2, got 0',
    'interruptions: expected 3, got 0',
    'ends: expected agent-hung-up, got caller-hung-up',
    expect.stringMatching(/^lasts: expected at least 5000 ms, got \d+ ms$/),
  ]);
});

test('a step that cannot happen is told by its place, and the rest is left out', async () => {
  const refused = await rehearsed(plan, 'call: { to: "1" }\nsteps: [{ caller: Hello. }]\nexpect: { rejected: 404 }');
  expect(refused.failures).toEqual(['step 1: the call is over']);
  const silent = await rehearsed(
    plan,
    'call: { to: "+331", at: "mon 10:00" }\nsteps: [{ agent: One. }, { agent: Two. }]\nexpect: { route: open }',
  );
  expect(silent.failures).toEqual(['step 2: the agent was not asked to speak within 60 s']);
});

test('a call that does not end by itself does not meet an expected end', async () => {
  const { failures } = await rehearsed(
    plan.replace(', idle_timeout: 6s', ''),
    'call: { to: "+331", at: "mon 10:00" }\nexpect: { ends: agent-hung-up }',
  );
  expect(failures).toEqual(['ends: expected agent-hung-up, got the call is still up']);
});

const withTools = `
destinations:
  sales: { to: "sip:600@192.0.2.20", ring: 20s }
tools:
  number: { builtin: collect_digits, digits: { length: 4 } }
  look_up:
    description: Looks up.
    parameters: { id: { type: string } }
    http: { url: "https://shop.example.com/look-up" }
agents:
  reception: { instructions: Be kind., greeting: Hello., transfers: [sales], tools: [number, look_up, transfer_call] }
routes:
  - { name: every, when: any, answer: reception }
`;

test("what a tool and a destination answer is the scenario's to say", async () => {
  const { failures } = await rehearsed(
    withTools,
    `
call: { to: "1" }
tools: { look_up: { fails: unreachable, after: 1s } }
destinations: { sales: busy }
steps:
  - caller: Look it up.
  - agent: { calls: [{ tool: look_up, arguments: { id: "7" } }] }
  - agent: { says: That failed. I connect you., calls: [{ tool: transfer_call, arguments: { destination: sales } }] }
  - agent: They are busy.
  - hangs_up: caller
expect: { tools: [{ tool: look_up, outcome: failed }, transfer_call], transferred_to: sales }
`,
  );
  expect(failures).toEqual(['transferred_to: expected sales, got nothing']);
});

test('a text that must not be told is looked for in all that was told', async () => {
  const { failures } = await rehearsed(
    withTools,
    `
call: { to: "1" }
steps:
  - caller: My number.
  - agent: { says: Key it in., calls: [{ tool: number }] }
  - keys: "4711"
  - agent: Thank you.
  - hangs_up: caller
expect: { never_told: ["4711"] }
`,
  );
  expect(failures).toEqual(['never_told: "4711" was told']);
});
