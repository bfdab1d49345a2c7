//! Node types of the product and their sizes (reference: node specification table, 2026).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ByteSize;

/// The machine type of every node of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NodeType {
    /// 1.4 GB, shared core.
    SharedCoreNano,
    /// 1.25 GB; cluster mode disabled only.
    CustomPico,
    /// 2.5 GB; cluster mode disabled only.
    CustomMicro,
    /// 3.75 GB; cluster mode disabled only.
    CustomMini,
    /// 6.5 GB.
    StandardSmall,
    /// 13 GB; the API's default.
    HighmemMedium,
    /// 13 GB, more CPU.
    HighcpuMedium,
    /// 26 GB.
    StandardLarge,
    /// 58 GB.
    HighmemXlarge,
    /// 110 GB.
    #[serde(rename = "HIGHMEM_2XLARGE")]
    Highmem2xlarge,
}

impl NodeType {
    /// Every node type, smallest first.
    pub const ALL: [Self; 10] = [
        Self::CustomPico,
        Self::SharedCoreNano,
        Self::CustomMicro,
        Self::CustomMini,
        Self::StandardSmall,
        Self::HighmemMedium,
        Self::HighcpuMedium,
        Self::StandardLarge,
        Self::HighmemXlarge,
        Self::Highmem2xlarge,
    ];

    /// The name the API uses, such as `HIGHMEM_MEDIUM`.
    #[must_use]
    pub fn api_name(self) -> &'static str {
        match self {
            Self::SharedCoreNano => "SHARED_CORE_NANO",
            Self::CustomPico => "CUSTOM_PICO",
            Self::CustomMicro => "CUSTOM_MICRO",
            Self::CustomMini => "CUSTOM_MINI",
            Self::StandardSmall => "STANDARD_SMALL",
            Self::HighmemMedium => "HIGHMEM_MEDIUM",
            Self::HighcpuMedium => "HIGHCPU_MEDIUM",
            Self::StandardLarge => "STANDARD_LARGE",
            Self::HighmemXlarge => "HIGHMEM_XLARGE",
            Self::Highmem2xlarge => "HIGHMEM_2XLARGE",
        }
    }

    /// Memory of the whole node in hundredths of a gigabyte, as `node_config.size_gb` shows it.
    fn size_centi_gb(self) -> u64 {
        match self {
            Self::CustomPico => 125,
            Self::SharedCoreNano => 140,
            Self::CustomMicro => 250,
            Self::CustomMini => 375,
            Self::StandardSmall => 650,
            Self::HighmemMedium | Self::HighcpuMedium => 1_300,
            Self::StandardLarge => 2_600,
            Self::HighmemXlarge => 5_800,
            Self::Highmem2xlarge => 11_000,
        }
    }

    /// Memory of the whole node in GB, as `node_config.size_gb` shows it.
    #[must_use]
    pub fn size_gb(self) -> f64 {
        // The table's largest value is 11000, far inside what f64 holds exactly.
        f64::from(u32::try_from(self.size_centi_gb()).expect("table values fit u32")) / 100.0
    }

    /// Memory of the whole node.
    #[must_use]
    pub fn size(self) -> ByteSize {
        ByteSize((self.size_centi_gb() << 30) / 100)
    }

    /// `maxclients` of a node unless configured, and the most that may be configured.
    #[must_use]
    pub fn maxclients(self) -> (u32, u32) {
        match self {
            Self::SharedCoreNano => (5_000, 5_000),
            Self::CustomPico | Self::CustomMicro | Self::CustomMini | Self::StandardSmall => (16_000, 32_000),
            Self::HighmemMedium | Self::HighcpuMedium | Self::StandardLarge => (32_000, 64_000),
            Self::HighmemXlarge | Self::Highmem2xlarge => (64_000, 64_000),
        }
    }

    /// `maxmemory-clients` of a node in percent unless configured. The product documents no figure for the types
    /// between nano and xlarge that its table leaves blank; they take the 7 % of their neighbours.
    #[must_use]
    pub fn maxmemory_clients_percent(self) -> u32 {
        match self {
            Self::SharedCoreNano => 12,
            Self::CustomPico
            | Self::CustomMicro
            | Self::CustomMini
            | Self::StandardSmall
            | Self::HighmemMedium
            | Self::HighcpuMedium
            | Self::StandardLarge => 7,
            Self::HighmemXlarge | Self::Highmem2xlarge => 4,
        }
    }

    /// Whether only instances with cluster mode disabled may use this type.
    #[must_use]
    pub fn is_cluster_mode_disabled_only(self) -> bool {
        matches!(self, Self::CustomPico | Self::CustomMicro | Self::CustomMini)
    }
}

impl fmt::Display for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.api_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_products_table() {
        let sizes: Vec<f64> = NodeType::ALL.iter().map(|t| t.size_gb()).collect();
        assert_eq!(sizes, [1.25, 1.4, 2.5, 3.75, 6.5, 13.0, 13.0, 26.0, 58.0, 110.0]);
        assert_eq!(NodeType::HighmemMedium.size(), ByteSize(13 << 30));
    }

    #[test]
    fn stored_names_are_the_api_names() {
        for node_type in NodeType::ALL {
            let stored = serde_json::to_string(&node_type).expect("serialises");
            assert_eq!(stored, format!("\"{}\"", node_type.api_name()));
        }
    }
}
