import { parseBehaviour } from '../../src/simulator/behaviours';
import { audioFolder } from './session-harness';

test.each(['receptionist', 'echo', 'tone:50', 'tone:600', 'tone:9900', 'tone:600:65', 'tone:600:500ms'])(
  '%s is a behaviour',
  (text) => {
    expect(parseBehaviour(text, { audioFolder })).toMatchObject({ kind: 'behaviour', behaviour: { name: text } });
  },
);

test.each([
  ['', 'expected receptionist'],
  ['parrot', 'expected receptionist'],
  ['echo:loud', 'expected receptionist'],
  ['tone', 'whole hertz'],
  ['tone:49', 'from 50 to 9900'],
  ['tone:9901', 'from 50 to 9900'],
  ['tone:4.5', 'whole hertz'],
  ['tone:600:', 'seconds or a duration'],
  ['tone:600:0', 'seconds or a duration'],
  ['tone:600:601', 'at most ten minutes'],
  ['tone:600:65:1', 'expected receptionist'],
  ['scenario:', 'expected receptionist'],
  ['scenario:/no/such/file.json', '/no/such/file.json'],
  ['scenario:/dev/zero', 'not a file'],
])('%s is none, and the reason says why', (text, reason) => {
  expect(parseBehaviour(text, { audioFolder })).toEqual({ kind: 'invalid', reason: expect.stringContaining(reason) });
});

test('without its recordings there is no receptionist', () => {
  const parsed = parseBehaviour('receptionist', { audioFolder: '/no/such/folder' });
  expect(parsed).toEqual({ kind: 'invalid', reason: expect.stringContaining('receptionist-greeting.wav') });
});
