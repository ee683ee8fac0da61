import { useLanguage } from '../shared/language.ts';
import { en, type Words } from './words.en.ts';
import { ko } from './words.ko.ts';

export const useWords = (): Words => (useLanguage() === 'ko' ? ko : en);
