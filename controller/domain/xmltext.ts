import { XMLBuilder, XMLParser } from 'fast-xml-parser';

/** An element as fast-xml-parser builds it: attributes under `@name`, text under `#text`, children under their names. */
export interface XmlElement {
  readonly [key: string]: XmlValue | undefined;
}

export type XmlValue = string | number | XmlElement | readonly XmlValue[];

/** A text that XML cannot carry; nothing is built from it. */
export class XmlTextError extends Error {
  /** Where in the document: `domain.title`. */
  readonly path: string;

  constructor(path: string, codePoint: number) {
    super(`${path} holds U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}, which XML cannot carry`);
    this.name = 'XmlTextError';
    this.path = path;
  }
}

// The package that it names instead is what it is made of, and no direct dependency of ours.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** Documents come from hosts: no entities of their own, no guessing of numbers, nothing trimmed away. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Numeric references: libxml2 writes all that is not ASCII in <metadata> so.
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** XML 1.0, 2.2 (Char), without tab and line ends: those would be changed in attributes on the way back. */
const isCarried = (codePoint: number): boolean =>
  (codePoint >= 0x20 && codePoint <= 0xd7ff) ||
  (codePoint >= 0xe000 && codePoint <= 0xfffd) ||
  (codePoint >= 0x10000 && codePoint <= 0x10ffff);

const assertCarried = (value: XmlValue | undefined, path: string): void => {
  if (value === undefined || typeof value === 'number') return;
  if (typeof value === 'string') {
    for (const character of value) {
      const codePoint = character.codePointAt(0) ?? 0;
      if (!isCarried(codePoint)) throw new XmlTextError(path, codePoint);
    }
    return;
  }
  for (const [key, child] of Object.entries(value)) assertCarried(child, path === '' ? key : `${path}.${key}`);
};

/** Builds a document. Throws XmlTextError where a text has characters that XML cannot carry. */
export const buildXml = (document: XmlElement): string => {
  assertCarried(document, '');
  return builder.build(document);
};

/** Parses a document that a libvirtd wrote; undefined where it is no XML with a root of that name. */
export const parseXml = (text: string, root: string): XmlElement | undefined => {
  let document: unknown;
  try {
    document = parser.parse(text);
  } catch {
    // Plain Errors for whatever is not well-formed: there is nothing to tell apart.
    return undefined;
  }
  return asElement((document as Readonly<Record<string, unknown>>)[root]);
};

/** The value as an element; an empty one is parsed as a text. */
export const asElement = (value: unknown): XmlElement | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as XmlElement) : undefined;

/** All children of one name, as elements. */
export const elementsOf = (parent: XmlElement | undefined, name: string): readonly XmlElement[] => {
  const value = parent?.[name];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map(asElement).filter((element) => element !== undefined);
};

/** Text of a child that may have attributes; undefined where there is none, or several. */
export const textOf = (parent: XmlElement | undefined, name: string): string | undefined => {
  const value = parent?.[name];
  if (typeof value === 'string') return value;
  const text = asElement(value)?.['#text'];
  return typeof text === 'string' ? text : undefined;
};

export const attributeOf = (element: XmlElement | undefined, name: string): string | undefined => {
  const value = element?.[`@${name}`];
  return typeof value === 'string' ? value : undefined;
};
