import { DirectMedia } from '../../src/call/direct-media';
import type { MediaLeg } from '../../src/media/media-leg';
import { MediaUnavailable } from '../../src/media/media-leg';
import { LoggerSpy } from '../support/logger-spy';

/** Legs that only note what is asked of the caller's. */
function legs({ joins = () => Promise.resolve(true) } = {}): { asked: string[]; caller: MediaLeg; callee: MediaLeg } {
  const asked: string[] = [];
  const caller = {
    join: () => (asked.push('join'), joins()),
    part: () => (asked.push('part'), Promise.resolve()),
  } as unknown as MediaLeg;
  return { asked, caller, callee: {} as MediaLeg };
}

test('the two are joined, and brought back while anybody needs to hear them here', async () => {
  const { asked, caller, callee } = legs();
  const direct = new DirectMedia({ caller, callee, logger: new LoggerSpy() });
  direct.begin();
  const [one, two] = [direct.keepHere(), direct.keepHere()];
  one();
  one();
  expect(asked).toEqual(['join', 'part']);
  two();
  expect(asked).toEqual(['join', 'part', 'join']);
  await Promise.resolve();
});

test('what is kept here from the start is not joined before', () => {
  const { asked, caller, callee } = legs();
  const direct = new DirectMedia({ caller, callee, logger: new LoggerSpy() });
  const release = direct.keepHere();
  direct.begin();
  expect(asked).toEqual(['part']);
  release();
  expect(asked).toEqual(['part', 'join']);
});

test('after the end nothing is joined any more', () => {
  const { asked, caller, callee } = legs();
  const direct = new DirectMedia({ caller, callee, logger: new LoggerSpy() });
  const release = direct.keepHere();
  direct.end();
  release();
  expect(asked).toEqual(['part']);
});

test('a join that fails is logged, and no more', async () => {
  const { caller, callee } = legs({ joins: () => Promise.reject(new MediaUnavailable('no such channel')) });
  const logger = new LoggerSpy();
  new DirectMedia({ caller, callee, logger }).begin();
  await new Promise(process.nextTick);
  expect(logger.lines).toEqual(['warn caller and destination could not be joined: their audio is relayed']);
  expect(logger.fields).toEqual([{ error: 'no such channel' }]);
});
