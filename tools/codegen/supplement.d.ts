/** Applies every supplement under `dir` to the tree at `stage`; returns how many there were. */
export declare function applySupplements(dir: string, stage: string): number;
/** Puts the bodies of the blocks marked `// patch` into the blocks of the same name in `original`; the rest goes to its end. */
export declare function mergeProto(original: string, addition: string, path: string): string;
