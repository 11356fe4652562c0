interface Closable {
  close(): Promise<unknown>;
}

/** Keeps what a test opens, and closes it after that test, last opened first, also when the test fails. */
export function closedAfterEach(): <T extends Closable>(opened: T) => T {
  const opened: Closable[] = [];
  afterEach(async () => {
    for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last.close();
  });
  return (one) => {
    opened.push(one);
    return one;
  };
}
