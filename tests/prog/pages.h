/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages whose content tells which page and which version of it they are, for
 * programs that swap them out and look whether they come back right.
 */
#ifndef LEAP_TEST_PAGES_H
#define LEAP_TEST_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	4096UL
#define WORDS	(PAGE / sizeof(uint64_t))

/* Coprime to any number of pages there is: each round meets each page. */
#define STRIDE	10007

/* The pages, how many they are, and how many were compared and found wrong. */
extern uint64_t (*area)[WORDS];
extern size_t nr;
extern unsigned long checked, wrong;

/**
 * make_pages - map them; sets area and nr
 * @mib: how many MiB, as a decimal number
 *
 * Return: false, with a line on stderr unless it is no number, if there are none.
 */
bool make_pages(const char *mib);

/** fill_page - write the next version of a page */
void fill_page(size_t page);

/** compare_page - is it the last version? counts it, and says on stdout what is wrong */
void compare_page(size_t page);

/** swap_out - have pages swapped out (MADV_PAGEOUT) */
void swap_out(size_t page, size_t pages);

#endif
