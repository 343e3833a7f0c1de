//! q21: a column found in a text.

use crate::Bid;
use pathway::prelude::*;

/// A bid with the number of its channel.
#[derive(Clone, Debug, Schema)]
pub struct ChannelBid {
    /// The auction.
    pub auction: u64,
    /// The person who bids.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// The channel.
    pub channel: String,
    /// Its number.
    pub channel_id: String,
}

/// Bids whose channel has a number: one of the four large ones, or named by the page.
///
/// ```sql
/// SELECT auction, bidder, price, channel,
///        CASE LOWER(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
///             WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
///             ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END AS channel_id
/// FROM bid
/// WHERE channel_id IS NOT NULL
/// ```
pub fn q21(bids: &Stream<Bid>) -> Stream<ChannelBid> {
    bids.filter_map(|Bid { auction, bidder, price, channel, url, .. }| {
        let channel_id = channel_id(&channel, &url)?.to_owned();
        Some(ChannelBid { auction, bidder, price, channel, channel_id })
    })
}

fn channel_id<'a>(channel: &str, url: &'a str) -> Option<&'a str> {
    let large = [("apple", "0"), ("google", "1"), ("facebook", "2"), ("baidu", "3")];
    match large.into_iter().find(|(name, _)| channel.eq_ignore_ascii_case(name)) {
        Some((_, id)) => Some(id),
        None => url.split('&').find_map(|part| part.strip_prefix("channel_id=")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_channel_is_named_by_its_page() {
        assert_eq!(channel_id("Apple", ""), Some("0"));
        assert_eq!(channel_id("channel-7", "https://a/item.htm?query=1&channel_id=14"), Some("14"));
        assert_eq!(channel_id("channel-7", "https://a/item.htm?query=1"), None);
    }
}
