import { nearestWord } from '../../src/runtime/nearest-word';

const words = ['instructions', 'greeting', 'voice', 'tools', 'to'];

test.each([
  ['instuctions', 'instructions'],
  ['Greeting', 'greeting'],
  ['vioce', 'voice'],
  ['tool', 'tools'],
])('%s was meant to be %s', (typed, meant) => {
  expect(nearestWord(typed, words)).toBe(meant);
});

test.each(['banana', 'x', '', 'instructionsinstructions', 'a'.repeat(100_000)])('nothing is near to %.20s', (typed) => {
  expect(nearestWord(typed, words)).toBeUndefined();
});
