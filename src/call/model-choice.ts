/** Which model an agent talks to. */
export interface ModelChoice {
  kind: 'api' | 'simulator';
  name: string;
}
