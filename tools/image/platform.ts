// The platforms that images are built for, in the words of those who name them.

export interface Platform {
  /** As Debian and OCI name it. */
  readonly name: 'amd64' | 'arm64';
  /** As Node and its packages name it. */
  readonly node: 'x64' | 'arm64';
  /** C compilers for it, the best first. Each makes a static executable. */
  readonly compilers: readonly string[];
  /** The Debian package of the C library that such an executable contains. */
  readonly staticLibrary: string;
}

export const platforms: readonly Platform[] = [
  { name: 'amd64', node: 'x64', compilers: ['musl-gcc'], staticLibrary: 'musl-dev' },
  {
    name: 'arm64',
    node: 'arm64',
    compilers: ['aarch64-linux-gnu-gcc'],
    staticLibrary: 'libc6-dev-arm64-cross',
  },
];
