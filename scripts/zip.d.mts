export interface ZipEntry {
  name: string;
  data: Buffer;
}
/** The same entries, in any order, give the same bytes. */
export function zip(files: ZipEntry[]): Buffer;
export function filesOf(folder: string): ZipEntry[];
