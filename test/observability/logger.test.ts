import { createLogger } from '../../src/observability/logger';
import type { LogLevel } from '../../src/observability/logger';

function setUp(level: LogLevel) {
  const lines: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, lines, parsed };
}

test('a line is one JSON object with level, time, facts and a constant sentence', () => {
  const { logger, lines, parsed } = setUp('info');
  logger.info({ callId: 'c', audioEndMs: 20 }, 'caller interrupted agent');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith('\n')).toBe(true);
  expect(parsed()[0]).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    callId: 'c',
    audioEndMs: 20,
    msg: 'caller interrupted agent',
  });
});

test('lines below the level are not written', () => {
  const { logger, parsed } = setUp('warn');
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.warn({}, 'c');
  logger.error({}, 'd');
  expect(parsed().map((line) => line['msg'])).toEqual(['c', 'd']);
  expect(setUp('silent').lines).toEqual([]);
});

test('a child adds its facts to every line, redacted like the rest', () => {
  const { logger, lines, parsed } = setUp('debug');
  const child = logger.child({ callId: 'c', from: '+33698765432' }).child({ transcript: 'my name is Ada' });
  child.debug({ to: '+33123456789', text: 'hello' }, 'x');
  expect(parsed()[0]).toMatchObject({ callId: 'c', from: '***32', to: '***89', text: '[redacted]' });
  expect(lines.join('')).not.toMatch(/Ada|hello|3312|3369/);
});

test('flushing a destination that buffers nothing does nothing', () => {
  const { logger } = setUp('info');
  expect(() => logger.flush()).not.toThrow();
});
