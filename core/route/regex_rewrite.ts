/** A regex and its substitution (\1 groups). */
export interface RegexRewriteConfig {
  readonly regex: string;
  readonly substitution: string;
}
